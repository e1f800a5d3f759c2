# shellcheck shell=sh disable=SC1091,SC2034,SC2154
# Augmentation in training and on the contact sheet.
. "$SOURCE/tests/cli/lib.sh"
make_data data 64
write_config cfg.json
all="augment.flip_horizontal=true augment.flip_vertical=true augment.shift=0.2 augment.rotate=30 augment.zoom=0.2
    augment.shear=10 augment.brightness=0.1 augment.contrast=0.2 augment.cutout=0.3 augment.noise=0.05"

# --- training: different images; the same bytes on any number of threads, with any instruction set, stopped and resumed
run 0 "$CNNTRAIN" --config cfg.json -q --out plain
# shellcheck disable=SC2086 # a list
run 0 "$CNNTRAIN" --config cfg.json $all -q --threads 1 --out one
# shellcheck disable=SC2086
run 0 "$CNNTRAIN" --config cfg.json $all -q --threads 3 --out three
# shellcheck disable=SC2086
run 0 env CNN_ISA=generic "$CNNTRAIN" --config cfg.json $all -q --out generic
# shellcheck disable=SC2086
run 0 "$CNNTRAIN" --config cfg.json $all -q train.epochs=1 --out resumed
# shellcheck disable=SC2086
run 0 "$CNNTRAIN" --config cfg.json $all -q --resume --out resumed
for file in model.bin last.bin predictions.csv; do
    for other in three generic resumed; do
        expect_same "one/$file" "$other/$file"
    done
done
! cmp -s one/last.bin plain/last.bin || fail "expected augmentation to change the model"
# each key has an effect by itself, and is off at 0
run 0 "$CNNTRAIN" --config cfg.json -q augment.flip_horizontal=false augment.rotate=0 augment.noise=0 --out off
expect_same off/last.bin plain/last.bin
for key in $all; do
    run 0 "$CNNTRAIN" --config cfg.json -q --out alone --overwrite "$key"
    ! cmp -s alone/last.bin plain/last.bin || fail "expected $key to change the model"
done
# a run continues only with its own settings
run 2 "$CNNTRAIN" --config cfg.json -q --resume --out one
expect_stderr 'augment\.'

# --- the first batch is that of the first epoch
run 0 "$CNNTRAIN" --config cfg.json --trace -q
cp stdout plain.json
run 0 "$CNNTRAIN" --config cfg.json --trace -q augment.rotate=30
! cmp -s plain.json stdout || fail "expected the trace to show augmented images"

# --- invalid values
run 2 "$CNNTRAIN" --config cfg.json augment.rotate=181
expect_stderr 'augment.rotate: expected a number from 0 to 180, got 181'
run 2 "$CNNTRAIN" --config cfg.json augment.shift=-0.1
run 2 "$CNNTRAIN" --config cfg.json augment.flip_vertical=1
run 2 "$CNNTRAIN" --config cfg.json augment.rotat=5
expect_stderr 'did you mean'
run 2 "$CNNTRAIN" --config cfg.json augment.saturation=0.5
expect_stderr 'augment.saturation: expected 0, since grey images .image.channels 1. have no colours, got 0.5'
expect_one_message

# --- the contact sheet
# png_size FILE: width and height.
png_size() {
    od -An -t u1 -j 16 -N 8 "$1" | awk '{ print ($1 * 256 + $2) * 65536 + $3 * 256 + $4, ($5 * 256 + $6) * 65536 + $7 * 256 + $8 }'
}
# shellcheck disable=SC2086
run 0 "$CNNTRAIN" --config cfg.json $all -q --show-augmented 3 --out sheet
expect_stdout sheet/augmented.png
expect_no_stderr
[ "$(ls -A sheet)" = augmented.png ] || fail "expected the picture and nothing else"
# 12 pixels, eight times as large, 4 between tiles
[ "$(png_size sheet/augmented.png)" = "$((8 * 100 - 4)) $((3 * 100 - 4))" ] ||
    fail "expected a sheet of 3 rows, got $(png_size sheet/augmented.png)"
cp sheet/augmented.png first.png
# shellcheck disable=SC2086
run 0 "$CNNTRAIN" --config cfg.json $all -q --show-augmented 3 --out sheet --threads 3
expect_same sheet/augmented.png first.png
# a run may start in a directory with a sheet, and leaves the sheet unchanged
run 0 "$CNNTRAIN" --config cfg.json -q --out sheet
expect_same sheet/augmented.png first.png
# all images if there are fewer; in the current folder if no other is named
sed '/"output"/d; s/"seed": 1},/"seed": 1}/' cfg.json >nowhere.json
run 0 "$CNNTRAIN" --config nowhere.json -q --show-augmented 1000 data.validation=0 augment.noise=0.1
expect_stdout augmented.png
[ "$(png_size augmented.png)" = "$((8 * 100 - 4)) $((64 * 100 - 4))" ] || fail "expected a sheet of 64 rows"
# nothing to show
run 0 "$CNNTRAIN" --config cfg.json --show-augmented 1 --out plain
expect_stderr 'turns no augmentation on'
for count in 0 1001 x ""; do
    run 2 "$CNNTRAIN" --config cfg.json --show-augmented "$count"
done
run 2 "$CNNTRAIN" --config cfg.json --show-augmented 2 --dry-run
run 3 "$CNNTRAIN" --config cfg.json -q --show-augmented 2 data.train=missing
mkdir -p full/augmented.png
run 1 "$CNNTRAIN" --config cfg.json -q --show-augmented 2 --out full
expect_stderr 'full/augmented.png'
expect_stdout ""
[ "$(ls -A full)" = augmented.png ] || fail "expected nothing half-written"

finish
