# shellcheck shell=sh disable=SC1091,SC2034,SC2154
# SIGTERM, SIGINT and SIGHUP during training: a checkpoint, exit code 75, and --resume ends where an undisturbed run does.
. "$SOURCE/tests/cli/lib.sh"
make_data data 600
write_config cfg.json
settings="train.epochs=100 train.batch_size=4 layers.0.filters=16"
case ${SANITIZE-} in # slow enough as it is
?*) settings="train.epochs=100 train.batch_size=4 layers.0.filters=2" ;;
esac

# shellcheck disable=SC2086
run 0 "$CNNTRAIN" --config cfg.json $settings --out undisturbed --threads 1 -q

# A shell starts background commands with SIGINT ignored; coreutils' env undoes that if it can.
default_signals=
if env --default-signal=INT true 2>/dev/null; then
    default_signals="env --default-signal=INT"
fi

# rows DIR: epochs that metrics.csv has.
rows() {
    if [ -f "$1/metrics.csv" ]; then
        wc -l <"$1/metrics.csv"
    else
        echo 0
    fi
}

# start_and_signal: one attempt of interrupt; the exit code is in "code".
start_and_signal() {
    # shellcheck disable=SC2086
    $default_signals "$CNNTRAIN" --config cfg.json $settings --out "$dir" --threads 1 "$@" >stdout 2>stderr &
    background=$!
    polls=0
    while [ "$(rows "$dir")" -le "$enough" ] && [ "$polls" -lt 3000 ] && kill -0 "$background" 2>/dev/null; do
        sleep 0.01
        polls=$((polls + 1))
    done
    kill -s "$signal" "$background" 2>/dev/null
    wait "$background"
    code=$?
    background=
}

# interrupt SIGNAL DIR ROWS [OPTION]: starts a run and signals it when metrics.csv has more than ROWS lines. On a busy
# machine, the run may end before this script sees those lines: then once more, from the same state.
interrupt() {
    signal=$1
    dir=$2
    enough=$3
    shift 3
    last="cnntrain $dir, $signal after $enough lines"
    rm -rf before
    [ ! -d "$dir" ] || cp -R "$dir" before
    for _ in 1 2 3 4 5 6 7 8; do
        start_and_signal "$@"
        if [ "$code" -ne 0 ] || [ ! -f "$dir/summary.json" ]; then
            break
        fi
        rm -rf "$dir"
        [ ! -d before ] || cp -R before "$dir"
    done
    [ "$code" -eq 75 ] || fail "expected exit code 75 after $signal, got $code"
    expect_stderr '^cnntrain: stopped in epoch [0-9]+ after batch [0-9]+ of [0-9]+; checkpoint written to .*/checkpoint.bin: continue with --resume'
    expect_file "$dir/checkpoint.bin"
    expect_no_file "$dir/summary.json"
    [ "$(rows "$dir")" -lt 101 ] || fail "expected training to stop before its end"
}

for signal in TERM INT HUP USR1; do
    interrupt $signal "run-$signal" 5
    # shellcheck disable=SC2086
    run 0 "$CNNTRAIN" --config cfg.json $settings --out "run-$signal" --threads 1 --resume
    expect_stderr 'continuing after epoch [0-9]+'
    for file in model.bin last.bin predictions.csv split.csv; do
        expect_same "undisturbed/$file" "run-$signal/$file"
    done
    # except for times, the metrics are the same, too
    cut -d, -f1-7,10- undisturbed/metrics.csv >metrics-a
    cut -d, -f1-7,10- "run-$signal/metrics.csv" >metrics-b
    expect_same metrics-a metrics-b
done

# twice in one run, and with another number of threads in between
interrupt TERM twice 5
interrupt TERM twice 40 --resume
# shellcheck disable=SC2086
run 0 "$CNNTRAIN" --config cfg.json $settings --out twice --threads 2 --resume
expect_same undisturbed/model.bin twice/model.bin
expect_same undisturbed/last.bin twice/last.bin
left_over=$(find . -name '*.tmp.*')
[ -z "$left_over" ] || fail "expected no temporary files, found $left_over"

# killed at once: the checkpoint of the last complete epoch is used
# shellcheck disable=SC2086
"$CNNTRAIN" --config cfg.json $settings --out killed --threads 1 -q 2>/dev/null &
background=$!
polls=0
while [ "$(rows killed)" -le 10 ] && [ "$polls" -lt 3000 ]; do
    sleep 0.01
    polls=$((polls + 1))
done
kill -KILL "$background"
wait "$background" 2>/dev/null
background=
# shellcheck disable=SC2086
run 0 "$CNNTRAIN" --config cfg.json $settings --out killed --threads 1 --resume
expect_same undisturbed/model.bin killed/model.bin
expect_same undisturbed/last.bin killed/last.bin

# nohup: a SIGHUP that is ignored on entry stays ignored
last="nohup cnntrain"
# shellcheck disable=SC2086
(trap '' HUP && exec "$CNNTRAIN" --config cfg.json $settings --out nohup --threads 1) >stdout 2>stderr &
background=$!
polls=0
while [ "$(rows nohup)" -le 5 ] && [ "$polls" -lt 3000 ]; do
    sleep 0.01
    polls=$((polls + 1))
done
kill -HUP "$background"
wait "$background"
code=$?
background=
[ "$code" -eq 0 ] || fail "expected exit code 0 where SIGHUP is ignored, got $code"

finish
