# shellcheck shell=sh disable=SC1091,SC2034,SC2154
# --init --pretrained: a config that starts from a trained network, and trains without changes.
. "$SOURCE/tests/cli/lib.sh"

# key PATTERN: the config on stdout has this line; white space does not count.
key() {
    tr -d ' \t' <stdout | tr '\n' ' ' | grep -Eq -e "$1" || fail "expected in the config: $1"
}

# A network for 20×16 pixels, whose images were not square and had hidden ranges.
"$MAKE_IMAGES" seen 24 20 16 3 1 || exit 1
cat >base.json <<'END_OF_CONFIG'
{
    "data": {"train": "seen", "validation": 0.25},
    "image": {"width": 20, "height": 16, "channels": 3, "normalize": "standardize", "range": "stretch", "alpha": "white"},
    "layers": [
        {"type": "conv", "filters": 8, "kernel": 3}, {"type": "batchnorm"}, {"type": "relu"},
        {"type": "maxpool", "size": 2}, {"type": "flatten"}, {"type": "dense", "units": 5}, {"type": "relu"},
        {"type": "dropout", "rate": 0.5}, {"type": "dense", "units": 1}, {"type": "sigmoid"}
    ],
    "train": {"epochs": 4, "batch_size": 8, "learning_rate": 0.05}
}
END_OF_CONFIG
run 0 "$CNNTRAIN" --config base.json --quiet --out base

# --- the config says everything, and trains
"$MAKE_IMAGES" photos 30 150 130 3 2 || exit 1
run 0 "$CNNTRAIN" --init photos --pretrained base/model.bin
cp stdout cfg.json
expect_stderr '^network: sees 20×16 pixels in colour, 3 layers after those of the pretrained network$'
expect_stderr '^time: about 1 seconds on two cores for the features, which later runs find in the cache: 30 images × 0\.1 million '
! grep -q 'pretrained\.sh' stderr || fail "expected no hint at what is already used"
key '"width":20, "height":16, "channels":3, "resize":"crop", "range":"stretch", "alpha":"white", "normalize":"unit"'
key '"pretrained":\{ "file":"base/model.bin", "train":"none"'
key '"layers":\[\{ "type":"dropout", "rate":0\.[0-9]+ \},\{ "type":"dense", "units":1 \},\{ "type":"sigmoid" \}\]'
key '"flip_horizontal":false'
key '"optimizer":"adamw"' && key '"schedule":"one_cycle"' && key '"calibrate":true' && key '"restore":false'
key '"output":"runs/photos" }'
expect_no_file runs
run 0 "$CNNTRAIN" --config cfg.json --quiet --threads 1
expect_file runs/photos/model.bin
run 0 "$CNNPREDICT" runs/photos/model.bin photos/left/00000.ppm
run 0 "$CNNTRAIN" --init photos --pretrained base/model.bin --quiet --out elsewhere --threads 3
expect_no_stderr
key '"output":"elsewhere" }'
sed 's/elsewhere/runs\/photos/' stdout >other.json
expect_same cfg.json other.json
# what the option changes does not depend on the images; what they say is kept
head -c 100 photos/left/00000.ppm >photos/left/broken.ppm
i=0
for image in photos/right/*; do
    i=$((i + 1))
    [ $i -le 3 ] || rm "$image"
done
run 0 "$CNNTRAIN" --init photos --pretrained base/model.bin
key '"bad_images":"skip"' && key '"pos_weight":"balanced"' && key '"validation":0\.15,'

# --- a network that sees grey, and photographs in colour
make_data grey 12
run 0 "$CNNTRAIN" --config base.json --quiet --out small data.train=grey image.width=12 image.height=12 image.channels=1
run 0 "$CNNTRAIN" --init photos --pretrained small/model.bin
expect_stderr '^cnntrain: 18 of 18 images are in colour, which the pretrained network does not see$'
key '"channels":1,'
run 0 "$CNNTRAIN" --init grey --pretrained small/model.bin
! grep -q 'does not see' stderr || fail "expected no warning about colours of grey images"

# --- without the option: one line, for large images only
run 0 "$CNNTRAIN" --init photos
expect_stderr '^a network that has learned .*data/pretrained\.sh lite2, .*--pretrained pretrained/efficientnet-lite2\.bin$'
run 0 "$CNNTRAIN" --init seen
! grep -q 'pretrained' stderr || fail "expected no hint for small images"

# --- refusals: one message, nothing on stdout
refuses() {
    code=$1
    pattern=$2
    shift 2
    run "$code" "$CNNTRAIN" "$@" --quiet
    expect_stdout ""
    expect_one_message
    expect_stderr "$pattern"
}
refuses 2 '--config: missing' --pretrained base/model.bin
refuses 2 '--pretrained: expected --init DIR as well' --config cfg.json --pretrained base/model.bin
refuses 2 '--pretrained: expected --init DIR as well' --config cfg.json --pretrained base/model.bin --dry-run
refuses 2 '--pretrained: expected ' --init grey --pretrained ''
refuses 2 '--pretrained: expected a path in UTF-8' --init grey --pretrained "$(printf 'a\351')"
refuses 4 'missing\.bin: ' --init grey --pretrained missing.bin
head -c 1000 base/model.bin >cut.bin
refuses 4 'cut\.bin: ' --init grey --pretrained cut.bin
refuses 4 'cfg\.json: ' --init grey --pretrained cfg.json
refuses 3 'missing: ' --init missing --pretrained base/model.bin
finish
