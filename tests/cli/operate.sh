# shellcheck shell=sh disable=SC1091,SC2034,SC2154
# train.threshold as a rule and train.calibrate: chosen on validation images, kept in model.bin, used by cnnpredict.
. "$SOURCE/tests/cli/lib.sh"
make_data clean 80
make_data data 120
mislabel data 5
write_config cfg.json
header() { head -c 2000 "$1" | tr -d '\\' | sed 's/"[0-9]*\.weight.*//'; }
# threshold FILE: that of a model
threshold() { header "$1" | sed -n 's/.*"threshold":\([0-9.e-]*\).*/\1/p'; }

# --- a number is the threshold of all models
run 0 "$CNNTRAIN" --config cfg.json --out number -q train.threshold=0.75
[ "$(threshold number/model.bin)" = 0.75 ] || fail "expected threshold 0.75 in model.bin"
[ "$(threshold number/last.bin)" = 0.75 ] || fail "expected threshold 0.75 in last.bin"
header number/model.bin | grep -q temperature && fail "expected no temperature in a model that is not calibrated"
run 0 "$CNNTRAIN" --config cfg.json --out plain -q
[ "$(threshold plain/model.bin)" = 0.5 ] || fail "expected threshold 0.5"

# --- a rule and a temperature apply to model.bin only, and do not change its weights. One epoch: a network that is
# still bad, so that thresholds differ
run 0 "$CNNTRAIN" --config cfg.json --out ruled train.epochs=1 'train.threshold=recall>=1' train.calibrate=true
expect_stderr '^temperature [0-9.]+: '
expect_stderr '^threshold [0-9.]+ by "recall>=1": on validation images, recall 1.0000 \(15 of 15\)'
header ruled/model.bin | grep -q '"temperature":[0-9]' || fail "expected a temperature in model.bin"
header ruled/last.bin | grep -q temperature && fail "expected no temperature in last.bin"
[ "$(threshold ruled/last.bin)" = 0.5 ] || fail "expected threshold 0.5 in last.bin"
chosen=$(threshold ruled/model.bin)
[ -n "$chosen" ] && [ "$chosen" != 0.5 ] || fail "expected a threshold that was chosen, got $chosen"
grep -q "\"threshold\":.*\"recall>=1\"" ruled/config.json || fail "expected the rule in config.json"

# the threshold is the highest with that recall; predictions.csv and cnnpredict use it, and have the same probabilities
tail -n +2 ruled/predictions.csv >rows
awk -F , -v t="$chosen" '($4 >= t) != ($3 == "right") { wrong = 1 }
    $2 == "right" && (least == "" || $4 < least) { least = $4 }
    $4 < t && $4 > below { below = $4 }
    END { exit !(!wrong && t <= least && below < t) }' rows || fail "expected predictions.csv to follow the threshold"
cut -d , -f 1 rows >paths
"$CNNPREDICT" ruled/model.bin - -f csv <paths | tail -n +2 | cut -d , -f 1-3 >said
cut -d , -f 1,3,4 rows >wanted
last=
expect_same said wanted
run 0 "$CNNPREDICT" ruled/last.bin - -f csv <paths
cut -d , -f 1-3 stdout | tail -n +2 >said
cmp -s said wanted && fail "expected other probabilities of last.bin, which is not calibrated"

# --- killed or not, on any number of threads: the same file
for options in '--threads 1' '--threads 3'; do
    # shellcheck disable=SC2086
    run 0 "$CNNTRAIN" --config cfg.json --out again --overwrite -q $options train.epochs=1 'train.threshold=recall>=1' \
        train.calibrate=true
    expect_same ruled/model.bin again/model.bin
done
rm again/summary.json
run 0 "$CNNTRAIN" --config cfg.json --out again --resume -q train.epochs=1 'train.threshold=recall>=1' \
    train.calibrate=true
expect_same ruled/model.bin again/model.bin
expect_same ruled/predictions.csv again/predictions.csv
run 2 "$CNNTRAIN" --config cfg.json --out again --resume -q train.epochs=1 train.threshold=f1 train.calibrate=true
expect_stderr 'train.threshold: "recall>=1", now "f1"'

# --- refusals: no validation images, one class of them, no such rule
run 2 "$CNNTRAIN" --config cfg.json --out none -q data.validation=0 train.threshold=f1
expect_stderr 'train.threshold "f1": expected validation images .* data.validation'
expect_no_file none
run 2 "$CNNTRAIN" --config cfg.json --out none -q data.validation=0 train.calibrate=true
expect_stderr 'train.calibrate true: expected validation images'
mkdir -p one/left one/right
"$MAKE_IMAGES" extra 4 12 12 1 9 && cp extra/left/* one/left
run 3 "$CNNTRAIN" --config cfg.json --out none -q data.validation=one train.threshold=youden
expect_stderr 'expected validation images of both classes .* none of "right"'
for rule in f2 'recall>=0' 'recall>=1.5' 'recall>=0x1' 'precision>=' 'cost fp=1' 'cost fp=0 fn=1' 'f1 ' 'recall>= 1' 'cost fp=1 fn=inf'; do
    run 2 "$CNNTRAIN" --config cfg.json --out none -q "train.threshold=$rule"
    expect_stderr 'train.threshold: expected a number from 0 to 1, or "f1", "youden", "recall>=R", '
done
for number in -0.1 1.01 null; do
    run 2 "$CNNTRAIN" --config cfg.json --out none -q "train.threshold=$number"
done

# --- images that are all classified correctly have no temperature; a warning says so
run 0 "$CNNTRAIN" --config cfg.json --out sure data.train=clean train.epochs=20 train.calibrate=true
expect_stderr 'train.calibrate: the validation loss has no minimum at a temperature from 0.01 to 100'
header sure/model.bin | grep -q temperature && fail "expected no temperature where there is none"

finish
