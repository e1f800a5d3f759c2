# shellcheck shell=sh disable=SC1091,SC2034,SC2154
# Training on small data: files, messages, run directories.
. "$SOURCE/tests/cli/lib.sh"
make_data data 64
write_config cfg.json

run 0 "$CNNTRAIN" --config cfg.json
expect_stdout ""
for file in config.json split.csv metrics.csv summary.json model.bin last.bin checkpoint.bin predictions.csv; do
    expect_file "out/$file"
done
[ "$(find out -type f | wc -l)" -eq 8 ] || fail "expected eight files in out"
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
