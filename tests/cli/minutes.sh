# shellcheck shell=sh disable=SC1091,SC2034,SC2154
# train.minutes, a time budget: how many epochs a run chooses depends on the machine, so that no number is expected here. What is
# promised: complete files; the same bytes as a run of that many epochs, also after an interruption; one number for all folds.
. "$SOURCE/tests/cli/lib.sh"
make_data data 200
mkdir tests
make_data tests/data 20 3
# what a step changes besides the weights: running averages, the optimizer's state, the average of the weights
cat >cfg.json <<'END'
{
    "data": {"train": "data", "validation": 0.25, "test": "tests/data"},
    "image": {"width": 12, "height": 12, "channels": 1},
    "layers": [
        {"type": "conv", "filters": 4, "kernel": 3},
        {"type": "batchnorm"},
        {"type": "relu"},
        {"type": "maxpool", "size": 2},
        {"type": "flatten"},
        {"type": "dropout", "rate": 0.2},
        {"type": "dense", "units": 1},
        {"type": "sigmoid"}
    ],
    "augment": {"shift": 0.1},
    "train": {"epochs": 100000, "batch_size": 8, "learning_rate": 0.01, "optimizer": "adamw", "schedule": "one_cycle",
              "ema_decay": 0.9, "calibrate": true},
    "output": "out"
}
END
mislabel data 7 # or there is no temperature
files="config.json split.csv metrics.csv summary.json model.bin last.bin checkpoint.bin predictions.csv test_predictions.csv"

# epochs DIR: those of its config.json.
epochs() {
    sed -n 's/^.*"epochs":[^0-9]*\([0-9]*\).*$/\1/p' "$1/config.json"
}
# rows DIR: lines of its metrics.csv.
rows() {
    if [ -f "$1/metrics.csv" ]; then
        wc -l <"$1/metrics.csv"
    else
        echo 0
    fi
}
# expect_complete DIR
expect_complete() {
    for file in $files; do
        expect_file "$1/$file"
    done
    [ "$(find "$1" -name '*.tmp.*' | wc -l)" -eq 0 ] || fail "expected no temporary files in $1"
}
# expect_same_run A B: the same bytes in all files but times and configs.
expect_same_run() {
    for file in model.bin last.bin split.csv predictions.csv test_predictions.csv; do
        expect_same "$1/$file" "$2/$file"
    done
    cut -d, -f1-7,10- "$1/metrics.csv" >metrics-a
    cut -d, -f1-7,10- "$2/metrics.csv" >metrics-b
    expect_same metrics-a metrics-b
}

# a budget that allows more than the limit: the limit, and the bytes of a run without a budget
run 0 "$CNNTRAIN" --config cfg.json train.epochs=3 --out plain
run 0 "$CNNTRAIN" --config cfg.json train.epochs=3 train.minutes=100 --out all --threads 2
expect_stderr '^all 3 epochs of [0-9.e-]+ s fit into 100 minutes$'
expect_complete all
expect_same_run plain all
run 0 "$CNNTRAIN" --config cfg.json train.epochs=3 train.minutes=100 --out all --resume
expect_stderr '^all: finished already'

# no epochs: nothing to choose
run 0 "$CNNTRAIN" --config cfg.json train.epochs=0 train.minutes=1 --out none
[ "$(grep -c ' fit into ' stderr)" -eq 0 ] || fail "expected nothing to be measured"
expect_complete none

# a budget that is used up at once: a batch is trained, and everything is there
run 0 "$CNNTRAIN" --config cfg.json train.minutes=1e-6 --out short
expect_stderr '^cnntrain: not a single epoch of [0-9.e-]+ s fits into 1e-06 minutes \(train.minutes\): .* s were spent before'
expect_stderr '^cnntrain: the time of train.minutes is up after epoch 0 of 1, batch 1;'
expect_complete short
[ "$(epochs short)" -eq 1 ] || fail "expected one epoch in short/config.json"
[ "$(wc -l <short/metrics.csv)" -eq 2 ] || fail "expected one row in short/metrics.csv"
# the run counts as finished, unless it gets more minutes: the rest of the epoch
cp short/model.bin kept.bin
for minutes in 1e-6 1e-7; do
    run 0 "$CNNTRAIN" --config cfg.json train.minutes=$minutes --out short --resume
    expect_stderr '^short: finished already'
    expect_same kept.bin short/model.bin
done
cp -R short longer
run 0 "$CNNTRAIN" --config cfg.json train.minutes=100 --out longer --resume
expect_stderr '^longer: continuing after epoch 0, batch 1$'
[ "$(epochs longer)" -eq 1 ] || fail "expected one epoch in longer/config.json"
run 0 "$CNNTRAIN" --config cfg.json train.epochs=1 --out one -q
expect_same_run one longer
run 0 "$CNNTRAIN" --config cfg.json train.minutes=1e-6 --out longer --resume
expect_stderr '^longer: finished already'
# without any, it is the config that decides
run 2 "$CNNTRAIN" --config cfg.json --out short --resume
expect_stderr 'train.epochs: 1, now 100000$'
run 0 "$CNNTRAIN" --config cfg.json train.epochs=1 --out short --resume
expect_same_run one short

# an ordinary budget, here of a third of a second
run 0 "$CNNTRAIN" --config cfg.json train.minutes=0.005 --out out
expect_complete out
grep -Eq '"minutes":[^0-9]*0\.005' out/config.json || fail "expected train.minutes in out/config.json"
[ "$(epochs out)" -ge 1 ] || fail "expected a number of epochs in out/config.json"
[ "$(epochs out)" -lt 100000 ] || fail "expected a chosen number of epochs in out/config.json"
run 0 "$CNNTRAIN" --config cfg.json train.minutes=0.005 --out out --resume
expect_stderr '^out: finished already'
# if the time was up early: the rest of it
run 0 "$CNNTRAIN" --config cfg.json train.minutes=100 --out out --resume
chosen=$(epochs out)
# the resolved config without a budget trains the same model
run 0 "$CNNTRAIN" --config out/config.json train.minutes=0 --out again
[ "$(epochs again)" -eq "$chosen" ] || fail "expected $chosen epochs in again/config.json"
if grep -q minutes again/config.json; then fail "expected no train.minutes in again/config.json"; fi
expect_same_run out again
# with one, it is a limit; and it may change the config that was given
run 2 "$CNNTRAIN" --config out/config.json --overwrite
expect_stderr 'is the config that was given'

# stopped by a signal: the number of epochs stays, and so do the bytes
last="cnntrain, stopped"
"$CNNTRAIN" --config cfg.json train.minutes=0.005 --out stopped >stdout 2>stderr &
background=$!
polls=0
while [ "$(rows stopped)" -lt 3 ] && [ "$polls" -lt 3000 ] && kill -0 "$background" 2>/dev/null; do
    sleep 0.01
    polls=$((polls + 1))
done
kill -TERM "$background" 2>/dev/null
wait "$background"
code=$?
background=
[ "$code" -eq 75 ] || [ "$code" -eq 0 ] || fail "expected exit code 75, or 0 where the time was up earlier, got $code"
chosen=$(epochs stopped)
if [ "$chosen" -gt 1 ]; then # on a busy machine, perhaps not
    run 2 "$CNNTRAIN" --config cfg.json train.minutes=0.005 train.epochs=1 --out stopped --resume
    expect_stderr "train.epochs: $chosen, now 1\$"
fi
run 0 "$CNNTRAIN" --config cfg.json train.minutes=100 --out stopped --resume --threads 1
[ "$(epochs stopped)" -eq "$chosen" ] || fail "expected $chosen epochs in stopped/config.json"
run 0 "$CNNTRAIN" --config cfg.json train.epochs="$chosen" --out undisturbed -q
expect_same_run undisturbed stopped

# --max-seconds, if it is shorter, is for one command
run 0 "$CNNTRAIN" --config cfg.json train.epochs=3 train.minutes=100 --out cut --max-seconds 0.000001
expect_stderr '^the time of --max-seconds is up'
run 0 "$CNNTRAIN" --config cfg.json train.epochs=3 train.minutes=100 --out cut --resume
expect_same_run plain cut

# folds: one number for all, whoever trains them
sed 's/, "test": "tests\/data"//' cfg.json >folds.json
run 0 "$CNNTRAIN" --config folds.json --folds 2 train.minutes=0.005 --out folds
expect_stderr ' epochs? of [0-9.e-]+ s in each of 2 runs fits? into 0.005 minutes'
chosen=$(epochs folds)
for fold in 1 2; do
    [ "$(epochs folds/fold-$fold)" -eq "$chosen" ] || fail "expected $chosen epochs in folds/fold-$fold/config.json"
done
expect_file folds/summary.json
run 0 "$CNNTRAIN" --config folds.json --folds 2 train.minutes=0.005 --out folds --resume
expect_stderr '^folds: finished already'
run 0 "$CNNTRAIN" --config folds.json --folds 2 train.minutes=100 --out folds --resume
run 0 "$CNNTRAIN" --config folds.json --folds 2 train.epochs="$chosen" --out folds-plain -q
for file in predictions.csv fold-1/model.bin fold-2/model.bin; do
    expect_same folds/$file folds-plain/$file
done
run 0 "$CNNTRAIN" --config folds.json --folds 2 --member 2 train.minutes=0.005 --out parts
chosen=$(epochs parts)
run 0 "$CNNTRAIN" --config folds.json --folds 2 --member 1 train.minutes=100 --out parts
[ "$(epochs parts/fold-1)" -eq "$chosen" ] || fail "expected $chosen epochs in parts/fold-1/config.json"
[ "$(epochs parts/fold-2)" -eq "$chosen" ] || fail "expected $chosen epochs in parts/fold-2/config.json"
run 0 "$CNNTRAIN" --config folds.json --folds 2 train.minutes=100 --gather --out parts

# what a budget is for, before anything is trained
run 0 "$CNNTRAIN" --config cfg.json train.minutes=2 --dry-run
expect_in_stdout '^at most 100000 epochs of '
expect_in_stdout '^train.minutes 2: the run measures its speed'
run 2 "$CNNTRAIN" --config cfg.json train.minutes=-1 --dry-run
expect_stderr 'train.minutes: expected a number from 0 to 1000000, got -1'

# --init --minutes
run 0 "$CNNTRAIN" --init data --minutes 0.01
cp stdout made.json
expect_stderr 'the run trains as many as fit \(train.minutes 0.01\)$'
grep -Eq '"minutes":[^0-9]*0\.01' made.json || fail "expected train.minutes in the config"
run 0 "$CNNTRAIN" --config made.json --out made
expect_file made/summary.json
run 2 "$CNNTRAIN" --config cfg.json --minutes 2
expect_stderr '^cnntrain: --minutes: expected --init DIR as well; for a config, set train.minutes=2$'

finish
