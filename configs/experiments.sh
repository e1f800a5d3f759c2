#!/bin/sh
# Trains one config with several learning rates and seeds, each into a run directory of its own, and prints a
# table of the results. May be stopped (Ctrl-C) and run again: finished runs are kept, an interrupted one continues.
# Paths, those in the config too, are relative to the working directory.
#
#   configs/experiments.sh [CONFIG [OUT [KEY=VALUE ...]]]
#
#   CONFIG    default configs/fashion.json
#   OUT       the folder of the run directories; default runs/experiments
#   KEY=VALUE more overrides, the same for all runs: train.batch_size=64
#
# Environment:
#   RATES     learning rates, default "0.03 0.1 0.3"
#   SEEDS     seeds, default "1 2"
#   EPOCHS    default 2; if increased, finished runs continue
#   CNNTRAIN  the program, default build/cnntrain, else cnntrain on PATH
#
# Exit codes: those of cnntrain; 75: stopped by a signal, run it again to continue. A run that diverges is a row
# of the table; the other runs continue.
set -eu

case ${1:-} in
-h | --help)
    sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p;}' "$0"
    exit 0
    ;;
esac

config=${1:-configs/fashion.json}
out=${2:-runs/experiments}
if [ $# -gt 2 ]; then
    shift 2 # what is left are overrides
else
    set --
fi
rates=${RATES:-0.03 0.1 0.3}
seeds=${SEEDS:-1 2}
epochs=${EPOCHS:-2}
program=${CNNTRAIN:-}
if [ -z "$program" ]; then
    program=cnntrain
    [ ! -x build/cnntrain ] || program=build/cnntrain
fi
command -v "$program" >/dev/null || {
    echo "experiments.sh: $program: not found; build it, or name it by CNNTRAIN" >&2
    exit 2
}

# Passes a signal to the current run, which writes a checkpoint and ends with 75.
child=
stopped=
stop() {
    stopped=yes
    [ -z "$child" ] || kill -TERM "$child" 2>/dev/null || :
}
trap stop INT TERM HUP

# train RATE SEED [KEY=VALUE ...]: one run; sets code.
train() {
    rate=$1
    seed=$2
    shift 2
    echo "== learning rate $rate, seed $seed" >&2
    "$program" --config "$config" "$@" train.learning_rate="$rate" train.seed="$seed" \
        train.epochs="$epochs" --out "$out/rate-$rate-seed-$seed" --resume &
    child=$!
    code=0
    wait "$child" || code=$?
    while [ "$code" -gt 128 ] && kill -0 "$child" 2>/dev/null; do
        code=0 # a signal ended the wait, not the run
        wait "$child" || code=$?
    done
    child=
}

for rate in $rates; do
    for seed in $seeds; do
        train "$rate" "$seed" "$@"
        if [ -n "$stopped" ] && [ "$code" -eq 0 ]; then
            code=75
        fi
        case $code in
        0 | 5) ;;
        *) exit "$code" ;;
        esac
    done
done

# row RATE SEED: a row of the table, from the summary.json of the run; "-" if a number is missing.
row() {
    summary="$out/rate-$1-seed-$2/summary.json"
    [ -f "$summary" ] || summary=/dev/null
    awk -v rate="$1" -v seed="$2" '
        # the number after "key": in text, or "-"
        function number(text, key) {
            if (!match(text, "\"" key "\":[-+.0-9eE]+")) return "-"
            key = substr(text, RSTART, RLENGTH)
            sub(/.*:/, "", key)
            return key
        }
        # the text of "name":{…}, or nothing
        function section(text, name) {
            if (!match(text, "\"" name "\":{[^}]*}")) return ""
            return substr(text, RSTART, RLENGTH)
        }
        function shown(value, format) { return value == "-" ? value : sprintf(format, value) }
        { line = $0 }
        END {
            validation = section(line, "validation")
            test = section(line, "test")
            printf "%-13s %6s %10s %8s %8s %8s %13s %8s%s\n", rate, seed, number(line, "best_epoch"),
                shown(number(validation, "loss"), "%.4f"), shown(number(validation, "accuracy"), "%.4f"),
                shown(number(validation, "auc"), "%.4f"), shown(number(test, "accuracy"), "%.4f"),
                shown(number(line, "images_per_second"), "%.0f"), line == "" ? "  diverged" : ""
        }' "$summary"
}

printf '%-13s %6s %10s %8s %8s %8s %13s %8s\n' learning_rate seed best_epoch val_loss val_acc val_auc \
    test_accuracy images/s
for rate in $rates; do
    for seed in $seeds; do
        row "$rate" "$seed"
    done
done
