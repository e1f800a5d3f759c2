# shellcheck shell=sh disable=SC1091,SC2034,SC2154
# image.range and image.alpha: what training, folds, resuming, cnnpredict, cnneval and the actions see of 16-bit images and of shapes in the
# alpha channel, and who notices them.
. "$SOURCE/tests/cli/lib.sh"
make_deep_data data 80
make_deep_data test 20 2
write_config cfg.json
sed -i 's/"epochs": 2/"epochs": 20/' cfg.json

# expect_all_right FILE: every image of a table of predictions is classified correctly.
expect_all_right() {
    awk -F, 'NR > 1 && $2 != $3' "$1" >wrong
    [ "$(wc -l <"$1")" -gt 15 ] || fail "expected more rows in $1"
    [ ! -s wrong ] || fail "expected no wrong prediction in $1"
}

# --- 16 bits in a narrow range: "full" sees one level and says so, "stretch" tells the classes apart
warning='^cnntrain: the images have 16 bits, but 99.8 % of their values are from 29820 to 299[12][0-9] of 65535: the network sees 1 of 256 levels; set image.range to "stretch"'
run 0 "$CNNTRAIN" -c cfg.json --out full
expect_stderr "$warning"
awk -F, 'NR > 1 { print $4 }' full/predictions.csv | sort -u >probabilities
[ "$(wc -l <probabilities)" -eq 1 ] || fail "expected the same probability for all images"
run 0 "$CNNTRAIN" -c cfg.json --out full-box image.resize=letterbox
expect_stderr "$warning"
run 0 "$CNNTRAIN" -c cfg.json --out stretched image.range=stretch data.test=test
expect_stderr '^image.range: 29820 to 299[12][0-9] of 65535 \(0.1 and 99.9 percentile of the training images\) becomes 0 to 255$'
! grep -q 'set image' stderr || fail "expected no warning"
expect_all_right stretched/predictions.csv
expect_all_right stretched/test_predictions.csv
ends=$(sed -n 's/^image.range: \([0-9]*\) to \([0-9]*\) .*/\1,\2/p' stderr)
grep -aq "\\\\\"range\\\\\":\[$ends\]" stretched/model.bin || fail "expected the ends $ends in the model"

# 8-bit images warn nobody, nor do 16-bit images that fill the range
make_data eight 40
run 0 "$CNNTRAIN" -c cfg.json --out eight-out data.train=eight train.epochs=1
! grep -q 'set image' stderr || fail "expected no warning"

# the programs see what training saw
tail -n +2 stretched/predictions.csv | cut -d, -f1 >paths
tail -n +2 stretched/predictions.csv | cut -d, -f1,3,4 >wanted-rows
xargs "$CNNPREDICT" --format csv stretched/model.bin <paths | tail -n +2 | cut -d, -f1,2,3 >got-rows
expect_same wanted-rows got-rows
run 0 "$CNNEVAL" stretched/model.bin test
expect_in_stdout '^accuracy  *1.0000'

# the same bytes with any number of threads, and from the cache
for variant in "-t 1 --no-cache" "-t 4 --no-cache" "-t 2" "-t 3"; do
    # shellcheck disable=SC2086
    run 0 "$CNNTRAIN" -c cfg.json --out again --overwrite image.range=stretch data.test=test $variant
    expect_same stretched/model.bin again/model.bin
    expect_same stretched/predictions.csv again/predictions.csv
done
expect_stderr ' images from the cache '

# killed, and resumed: the same bytes; with images that give other ends: refused
for seconds in 0.02 0.05 0.1; do
    "$CNNTRAIN" -c cfg.json --out killed --resume -q image.range=stretch data.test=test train.checkpoint_seconds=0.001 &
    background=$!
    sleep "$seconds"
    kill -KILL $background 2>/dev/null
    wait $background 2>/dev/null
    background=
done
run 0 "$CNNTRAIN" -c cfg.json --out killed --resume -q image.range=stretch data.test=test train.checkpoint_seconds=0.001
expect_same stretched/model.bin killed/model.bin
expect_same stretched/predictions.csv killed/predictions.csv
expect_same stretched/test_predictions.csv killed/test_predictions.csv
run 0 "$CNNTRAIN" -c cfg.json --out part image.range=stretch train.epochs=1
run 2 "$CNNTRAIN" -c cfg.json --out part --resume
expect_stderr 'image.range: "stretch", now "full"'
run 2 "$CNNTRAIN" -c cfg.json --out part --resume image.range=stretch image.alpha=white
expect_stderr 'image.alpha: "drop", now "white"'

# --- folds: each has the ends of its own training images. The brightest image is in one of the test sets
awk 'BEGIN { print "P2 12 12 65535"; for (i = 0; i < 144; i++) print 40000 }' >data/left/bright.pgm
run 0 "$CNNTRAIN" -c cfg.json --out folds --folds 4 image.range=stretch
for fold in 1 2 3 4; do
    high=$(sed -n 's/.*\\"range\\":\[[0-9]*,\([0-9]*\)\].*/\1/p' "folds/fold-$fold/model.bin" | head -n 1)
    if grep -q 'bright.pgm,left,train' "folds/fold-$fold/split.csv"; then
        [ "$high" -eq 40000 ] || fail "expected fold $fold to end at 40000, got $high"
    else
        [ "$high" -lt 30000 ] || fail "expected fold $fold to end below 30000, got $high"
    fi
    grep ",$fold\$" folds/predictions.csv | cut -d, -f1 >paths
    grep ",$fold\$" folds/predictions.csv | cut -d, -f1,3,4 >wanted-rows
    xargs "$CNNPREDICT" --format csv "folds/fold-$fold/model.bin" <paths | tail -n +2 | cut -d, -f1,2,3 >got-rows
    expect_same wanted-rows got-rows
done
for fold in 3 1 4 2; do
    run 0 "$CNNTRAIN" -c cfg.json --out members --folds 4 --member $fold -q image.range=stretch
done
run 0 "$CNNTRAIN" -c cfg.json --out members --folds 4 --gather -q image.range=stretch
expect_same folds/predictions.csv members/predictions.csv
run 0 "$CNNTRAIN" -c cfg.json --folds 4 --dry-run image.range=stretch image.normalize=standardize
rm data/left/bright.pgm

# --- the actions
run 0 "$CNNTRAIN" -c cfg.json --check-data --out check
expect_in_stdout '^  16 bit +99.8 % of the values are from 29820 to 299[12][0-9] of 65535$'
expect_in_stdout '^  the values of the 16-bit images are close together: the network sees 1 of 256 levels; set image.range to "stretch"$'
expect_in_stdout 'have one colour all over'
! grep -q 'exact cop' stdout || fail "expected no exact copies"
run 0 "$CNNTRAIN" -c cfg.json --check-data --out check2 image.range=stretch
expect_in_stdout '^  range +stretch: 29820 to 299[12][0-9] of 65535 becomes 0 to 255$'
! grep -q 'set image\|one colour' stdout || fail "expected no finding"
run 0 "$CNNTRAIN" -c cfg.json --dry-run image.range=stretch
expect_stderr '^image.range: '
run 0 "$CNNTRAIN" -c cfg.json --trace image.range=stretch
tr -d ' \n' <stdout | grep -Eq '"X":\[\[\[\[0\.[0-9]' || fail "expected stretched values in the trace"
run 0 "$CNNTRAIN" -c cfg.json --show-augmented 2 --out sheets image.range=stretch
run 0 "$CNNTRAIN" --init data
expect_in_stdout '"range":[[:space:]]+"stretch"'
expect_in_stdout '"alpha":[[:space:]]+"drop"'
expect_stderr '^80 images of 16 bits: 99.8 % of their values are from 29820 to 299[12][0-9] of 65535, 1 of 256 levels: the config stretches that range \(image.range\)$'

# --- shapes in alpha
make_clear_data clear 80
run 0 "$CNNTRAIN" -c cfg.json --out dropped data.train=clear
expect_stderr '^cnntrain: 16 of 16 images looked at have one colour, and their shape only in the alpha channel, which the network does not see; set image.alpha to "white"$'
! grep -q 'cop[iy]' stderr || fail "expected no copies"
for alpha in white black; do
    run 0 "$CNNTRAIN" -c cfg.json --out $alpha data.train=clear image.alpha=$alpha
    ! grep -q 'set image' stderr || fail "expected no warning"
done
expect_all_right white/predictions.csv
awk -F, 'NR > 1 { print $4 }' black/predictions.csv | sort -u >probabilities # black over black
[ "$(wc -l <probabilities)" -eq 1 ] || fail "expected the same probability for all images"
tail -n +2 white/predictions.csv | cut -d, -f1 >paths
tail -n +2 white/predictions.csv | cut -d, -f1,3,4 >wanted-rows
xargs "$CNNPREDICT" --format csv white/model.bin <paths | tail -n +2 | cut -d, -f1,2,3 >got-rows
expect_same wanted-rows got-rows
run 0 "$CNNTRAIN" -c cfg.json --check-data --out check3 data.train=clear
expect_in_stdout '^  80 of 80 images have one colour, and their shape only in the alpha channel, which the network does not see$'
expect_in_stdout '^  to see the shapes in the alpha channels, set image.alpha to "white"$'
[ "$(grep -c shape_in_alpha check3/data_report.csv)" -eq 80 ] || fail "expected 80 rows with shape_in_alpha"
run 0 "$CNNTRAIN" -c cfg.json --check-data --out check4 data.train=clear image.alpha=white
expect_in_stdout '^  alpha +80 images have one colour, and their shape in alpha$'
! grep -q 'set image' stdout || fail "expected no finding"
run 0 "$CNNTRAIN" --init clear
expect_in_stdout '"alpha":[[:space:]]+"white"'
expect_in_stdout '"range":[[:space:]]+"full"'
expect_stderr '^80 images have one colour, and their shape only in the alpha channel: the config composes images over white \(image.alpha\)$'

finish
