# shellcheck shell=sh disable=SC1091,SC2034,SC2154
# The best epoch by a metric, and runs that end when it has not improved for a while.
. "$SOURCE/tests/cli/lib.sh"
make_data data 80
mislabel data 5
write_config cfg.json

# same_run A B: two runs with the same result; times may differ.
same_run() {
    for file in model.bin last.bin predictions.csv; do
        expect_same "$1/$file" "$2/$file"
    done
    for dir in "$1" "$2"; do
        cut -d, -f1-7,10- "$dir/metrics.csv" >"$dir.rows"
        sed 's/.*\("epochs":.*\),"seconds":.*/\1/' "$dir/summary.json" >"$dir.summary"
    done
    expect_same "$1.rows" "$2.rows"
    expect_same "$1.summary" "$2.summary"
}

# value DIR KEY: an integer in the summary.
value() {
    sed -n "s/.*\"$2\":\([0-9]*\),.*/\1/p" "$1/summary.json"
}

stop="train.epochs=40 train.early_stopping.metric=val_precision train.early_stopping.patience=3"
# shellcheck disable=SC2086 # $stop is a list
run 0 "$CNNTRAIN" --config cfg.json $stop --out stopped
expect_stderr '^stopped early: val_precision has not improved since epoch [0-9]+'
grep -q '"stopped_early":true,' stopped/summary.json || fail "expected the summary to say that the run stopped early"
epochs=$(value stopped epochs)
best=$(value stopped best_epoch)
[ "$epochs" -eq $((best + 3)) ] || fail "expected three epochs after the best one, $best, found $epochs"
[ "$(value stopped model_epoch)" -eq "$best" ] || fail "expected the best epoch's model"
[ "$(wc -l <stopped/metrics.csv)" -eq $((epochs + 1)) ] || fail "expected one row per epoch"

# the best row by that column is the first of the highest; model.bin is the model after that many epochs
column=$(head -n 1 stopped/metrics.csv | tr , '\n' | grep -n '^val_precision$' | cut -d: -f1)
highest=$(awk -F, -v c="$column" 'NR > 1 && (NR == 2 || $c > most) { most = $c; epoch = $1 } END { print epoch }' \
    stopped/metrics.csv)
[ "$highest" -eq "$best" ] || fail "expected epoch $highest, of the highest precision, to be the best, found $best"
run 0 "$CNNTRAIN" --config cfg.json "train.epochs=$best" --out exactly
expect_same stopped/model.bin exactly/last.bin

# the same with the last epoch left in model.bin
# shellcheck disable=SC2086
run 0 "$CNNTRAIN" --config cfg.json $stop train.early_stopping.restore=false --out unrestored
expect_same unrestored/model.bin stopped/last.bin
[ "$(value unrestored best_epoch)" -eq "$best" ] || fail "expected the same best epoch"
[ "$(value unrestored model_epoch)" -eq "$epochs" ] || fail "expected the model of the last epoch"

# it is a finished run; with more patience it continues, to the same result as with that patience from the start
# shellcheck disable=SC2086
run 0 "$CNNTRAIN" --config cfg.json $stop --out stopped --resume
expect_stderr 'finished already, nothing to do'
# shellcheck disable=SC2086
run 0 "$CNNTRAIN" --config cfg.json $stop train.early_stopping.patience=6 --out patient
# shellcheck disable=SC2086
run 0 "$CNNTRAIN" --config cfg.json $stop train.early_stopping.patience=6 --out stopped --resume
same_run stopped patient

# the smoothed value continues after an interruption
smooth="train.early_stopping.metric=val_brier train.early_stopping.smoothing=0.7"
# shellcheck disable=SC2086
run 0 "$CNNTRAIN" --config cfg.json $smooth train.epochs=6 --out whole
for epochs in 1 3 6; do
    # shellcheck disable=SC2086
    run 0 "$CNNTRAIN" --config cfg.json $smooth train.epochs=$epochs --out parts --resume
done
same_run whole parts
grep -q '"stopped_early":false,' whole/summary.json || fail "expected a run that did not stop early"

# the metrics, with intervals, in the summary and at the end
for name in loss accuracy auc balanced_accuracy precision recall specificity f1 mcc average_precision brier ece; do
    grep -q "\"validation\":{[^{}]*\"$name\":[0-9-][0-9.e-]*[,}]" whole/summary.json || fail "expected $name in the summary"
    grep -q "\"interval_95\":{[^}]*\"$name\":\[[0-9-][0-9.e-]*,[0-9-][0-9.e-]*\]" whole/summary.json ||
        fail "expected an interval of $name in the summary"
done
grep -q '"confusion":{"true_positives":[0-9]*,"false_positives":' whole/summary.json || fail "expected the counts"
expect_stderr '^95 % intervals +validation, [0-9]+ images$'
expect_stderr '^balanced accuracy +[0-9.]+ \[[0-9.]+, [0-9.]+\]$'

# invalid settings
run 2 "$CNNTRAIN" --config cfg.json --out bad train.early_stopping.metric=recall
expect_stderr 'train\.early_stopping\.metric: expected "val_loss" or "val_accuracy" or'
run 2 "$CNNTRAIN" --config cfg.json --out bad train.early_stopping.patience=-1
expect_stderr 'train\.early_stopping\.patience: expected an integer from 0'
run 2 "$CNNTRAIN" --config cfg.json --out bad train.early_stopping.smoothing=1
run 2 "$CNNTRAIN" --config cfg.json --out bad train.early_stopping.patiense=3
expect_stderr 'train\.early_stopping: unknown key "patiense"; did you mean "patience"'
run 2 "$CNNTRAIN" --config cfg.json --out bad train.early_stopping=3
expect_stderr 'train\.early_stopping: expected an object'
run 2 "$CNNTRAIN" --config cfg.json --out bad data.validation=0 train.early_stopping.patience=3
expect_stderr 'train\.early_stopping: expected validation images'
awk -F, 'NR == 1 { print "path,label,split" } NR > 1 { print $1 "," $2 "," (NR < 6 ? "validation" : "train") }' \
    whole/split.csv >one-class.csv
run 2 "$CNNTRAIN" --config cfg.json --out bad data.train=one-class.csv train.early_stopping.metric=val_auc
expect_stderr 'train\.early_stopping\.metric: val_auc needs validation images of both classes'
run 0 "$CNNTRAIN" --config cfg.json --out one-class data.train=one-class.csv
expect_stderr '^ROC AUC +none: one class only$'
grep -q '"auc":null,' one-class/summary.json || fail "expected null for what is not defined"
expect_no_file bad/summary.json

finish
