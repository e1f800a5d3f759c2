# shellcheck shell=sh disable=SC1091,SC2034,SC2154
# Training on small data: files, messages, run directories.
. "$SOURCE/tests/cli/lib.sh"
make_data data 64
write_config cfg.json

run 0 "$CNNTRAIN" --config cfg.json
expect_stdout ""
for file in config.json split.csv metrics.csv summary.json model.bin last.bin checkpoint.bin predictions.csv report.html; do
    expect_file "out/$file"
done
[ "$(find out -type f | wc -l)" -eq 9 ] || fail "expected nine files in out"
[ "$(grep -c '^epoch ' stderr)" -eq 2 ] || fail "expected one line per epoch on stderr"
expect_stderr '^epoch 1/2: '
expect_stderr '^epoch 2/2: '
tr -d '\r\033' <stderr >plain
expect_same plain stderr

[ "$(sed -n 1p out/metrics.csv)" = \
    "epoch,learning_rate,train_loss,train_accuracy,val_loss,val_accuracy,val_auc,seconds,images_per_second,val_balanced_accuracy,val_precision,val_recall,val_specificity,val_f1,val_mcc,val_average_precision,val_brier,val_ece" ] ||
    fail "expected the columns of metrics.csv"
[ "$(wc -l <out/metrics.csv)" -eq 3 ] || fail "expected two epochs in metrics.csv"
[ "$(wc -l <out/summary.json)" -eq 1 ] || fail "expected one line in summary.json"
[ "$(wc -l <out/split.csv)" -eq 65 ] || fail "expected one row per image in split.csv"
held_back=$(grep -c ',validation,' out/split.csv)
[ "$(wc -l <out/predictions.csv)" -eq $((held_back + 1)) ] || fail "expected a row a validation image in predictions.csv"

if grep -q 'image of\|same probability' stderr; then fail "expected no warning"; fi

# the resolved config trains the same model again
run 0 "$CNNTRAIN" --config out/config.json --out again
expect_same out/model.bin again/model.bin
expect_same out/split.csv again/split.csv

# any number of threads, the same bytes
run 0 "$CNNTRAIN" --config cfg.json --threads 1 --out one-thread
run 0 "$CNNTRAIN" --config cfg.json --threads 3 --out three-threads
for file in model.bin last.bin predictions.csv split.csv; do
    expect_same "out/$file" "one-thread/$file"
    expect_same "out/$file" "three-threads/$file"
done

# --out takes precedence over the config, and so does KEY=VALUE
run 0 "$CNNTRAIN" --config cfg.json --out elsewhere/deep output=nowhere --quiet
expect_stdout ""
expect_no_stderr
expect_file elsewhere/deep/model.bin
expect_no_file nowhere
run 0 "$CNNTRAIN" --config cfg.json output=overridden train.epochs=1 -q
expect_file overridden/model.bin
[ "$(wc -l <overridden/metrics.csv)" -eq 2 ] || fail "expected one epoch in metrics.csv"
if cmp -s out/last.bin overridden/last.bin; then fail "expected other weights after one epoch"; fi
run 0 "$CNNTRAIN" --config cfg.json --out verbose --verbose
expect_stderr 'parameters'

# a run directory in use
cp out/model.bin kept.bin
run 2 "$CNNTRAIN" --config cfg.json train.seed=2
expect_stderr '^cnntrain: out: .*--resume.*--overwrite'
expect_same out/model.bin kept.bin
run 0 "$CNNTRAIN" --config cfg.json --resume
expect_stderr '^out: finished already, nothing to do'
expect_same out/model.bin kept.bin
run 2 "$CNNTRAIN" --config cfg.json --resume train.seed=2
expect_stderr 'train\.seed'
expect_same out/model.bin kept.bin
run 0 "$CNNTRAIN" --config cfg.json --overwrite train.seed=2
if cmp -s out/model.bin kept.bin; then fail "expected another model from another seed"; fi
run 0 "$CNNTRAIN" --config cfg.json --overwrite
expect_same out/model.bin kept.bin

# more epochs later: the same as all from the start; fewer are refused
run 0 "$CNNTRAIN" --config cfg.json --resume train.epochs=4
run 0 "$CNNTRAIN" --config cfg.json --out four train.epochs=4
expect_same out/last.bin four/last.bin
expect_same out/model.bin four/model.bin
run 2 "$CNNTRAIN" --config cfg.json --resume train.epochs=3
expect_stderr 'train\.epochs: expected at least the 4'

# --resume starts a run where there is none, but not among other files
run 0 "$CNNTRAIN" --config cfg.json --resume --out fresh
expect_same fresh/model.bin kept.bin
mkdir strange empty
echo precious >strange/file
run 2 "$CNNTRAIN" --config cfg.json --out strange
run 2 "$CNNTRAIN" --config cfg.json --resume --out strange
expect_stderr '^cnntrain: strange: '
[ "$(ls strange)" = file ] || fail "expected strange to be left alone"
run 0 "$CNNTRAIN" --config cfg.json --overwrite --out strange
[ "$(cat strange/file)" = precious ] || fail "expected --overwrite to keep other files"
run 0 "$CNNTRAIN" --config cfg.json --out empty
echo file >a-file
run 1 "$CNNTRAIN" --config cfg.json --out a-file
expect_stderr '^cnntrain: a-file'

# paths are relative to the working directory, not to the config
mkdir other
cp cfg.json other/cfg.json
(cd other && "$CNNTRAIN" --config cfg.json -q 2>/dev/null)
[ $? -eq 3 ] || fail "expected data to be looked for in the working directory"
run 0 "$CNNTRAIN" --config other/cfg.json --out from-other -q
expect_same from-other/model.bin kept.bin

# no epoch writes the weights that training starts from; a loss that is not finite is reported
run 0 "$CNNTRAIN" --config cfg.json --out untrained train.epochs=0
expect_file untrained/model.bin
run 5 "$CNNTRAIN" --config cfg.json --out diverged train.learning_rate=1e6 train.epochs=50 image.normalize=standardize \
    train.optimizer=momentum
expect_stderr '^cnntrain: .*diverged.*learning_rate'

# no validation images: no validation numbers, last epoch is the model
run 0 "$CNNTRAIN" --config cfg.json --out unvalidated data.validation=0
expect_same unvalidated/model.bin unvalidated/last.bin

# predictions for test images: those of model.bin, and nothing else changes
make_data more 20 5
run 0 "$CNNTRAIN" --config cfg.json --out tested data.test=more
for file in model.bin last.bin predictions.csv; do
    expect_same "one-thread/$file" "tested/$file"
done
[ "$(head -n 1 tested/test_predictions.csv)" = "path,label,predicted,probability" ] || fail "expected a header"
sed -n 's/,\(left\|right\),test,.*//p' tested/split.csv >test-paths
tail -n +2 tested/test_predictions.csv | cut -d, -f1 >predicted-paths
[ "$(wc -l <test-paths)" -eq 20 ] || fail "expected 20 test images"
expect_same test-paths predicted-paths
"$CNNPREDICT" tested/model.bin - -f csv <test-paths | tail -n +2 | cut -d, -f1-3 >by-model
tail -n +2 tested/test_predictions.csv | cut -d, -f1,3,4 >by-run
expect_same by-model by-run
awk -F, 'NR > 1 { n++; right += $2 == $3 } END { printf "%.6f\n", right / n }' tested/test_predictions.csv >by-hand
sed 's/.*"test"://' tested/summary.json | grep -o '"accuracy":[0-9.]*' | head -n 1 | cut -d: -f2 | awk '{ printf "%.6f\n", $1 }' >stated
expect_same by-hand stated
cp tested/test_predictions.csv kept.csv
rm tested/test_predictions.csv
run 0 "$CNNTRAIN" --config cfg.json --out tested data.test=more --resume
expect_same kept.csv tested/test_predictions.csv
run 0 "$CNNTRAIN" --config cfg.json --out tested data.test=more --resume
expect_stderr '^tested: finished already'
run 0 "$CNNTRAIN" --config cfg.json --out tested --overwrite -q
expect_no_file tested/test_predictions.csv

# warnings: a class with no image, or one, among those that are measured
for class in left right; do
    rm -rf rare
    make_data rare 40 7
    find "rare/$class" -name '*.pgm' | sort | sed 1d | xargs rm
    run 0 "$CNNTRAIN" --config cfg.json --out "rare-$class" data.train=rare
    expect_stderr "validation: no image of \"$class\" \(class [01]\): .*data.validation"
    [ "$(grep -c 'image of "' stderr)" -eq 1 ] || fail "expected one warning"
    run 0 "$CNNTRAIN" --config cfg.json --out "rare-$class" data.train=rare --overwrite -q
    expect_no_stderr
done
run 0 "$CNNTRAIN" --config cfg.json --out few data.validation=more data.test=rare
expect_stderr '^[a-z: ]*test: only one image of "right" \(class 1\)'
[ "$(grep -c 'image of "' stderr)" -eq 1 ] || fail "expected one warning"
run 0 "$CNNTRAIN" --config cfg.json --dry-run data.validation=rare
grep -q 'validation: only one image of "right"' stderr stdout || fail "expected a warning"

# warnings: a rate that leaves no ReLU alive, or makes every probability 1; with or without validation images
for rate in 3 10; do
    for validation in 0.25 0; do
        run 0 "$CNNTRAIN" --config cfg.json --out constant --overwrite train.optimizer=adam train.learning_rate=$rate \
            data.validation=$validation
        expect_stderr "^cnntrain: the model gives every image the same probability, [01]\\.[0-9]{4}: .*train.learning_rate=$((rate / 10))[, .)]"
        [ "$("$CNNPREDICT" constant/model.bin data | cut -f 3 | sort -u | wc -l)" -eq 1 ] || fail "expected one probability"
        expect_file constant/summary.json
    done
done
run 0 "$CNNTRAIN" --config cfg.json --out constant --overwrite train.optimizer=adam train.learning_rate=10 -q
expect_no_stderr

# a manifest
awk -F, 'NR == 1 { print "path,label" } NR > 1 { print $1 "," $2 }' out/split.csv >manifest.csv
run 0 "$CNNTRAIN" --config cfg.json --out from-manifest data.train=manifest.csv
expect_same from-manifest/model.bin kept.bin
# the run's own table, at its place and elsewhere: the same split and order, so the same bytes
run 0 "$CNNTRAIN" --config cfg.json --out from-split data.train=out/split.csv
expect_same from-split/model.bin kept.bin
expect_same from-split/split.csv out/split.csv
mkdir elsewhere
sed 's/,/;/g' out/split.csv | iconv -t UTF-16 >elsewhere/split.csv
run 0 "$CNNTRAIN" --config cfg.json --out from-copy data.train=elsewhere/split.csv
expect_same from-copy/model.bin kept.bin

finish
