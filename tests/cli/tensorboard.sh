# shellcheck shell=sh disable=SC1091,SC2034,SC2154
# --tensorboard: the event file, read by TensorBoard itself where it is installed.
. "$SOURCE/tests/cli/lib.sh"
make_data data 200
mislabel data 5
write_config cfg.json
events=events.out.tfevents.cnntrain
python=${CNN_TEST_PYTHON:-python3}

"$CNNTRAIN" --config cfg.json --tensorboard --out built >/dev/null 2>stderr
if grep -q 'without protobuf-c' stderr; then
    echo "skipped: built without protobuf-c"
    exit 77
fi

# a run without the option writes no events
run 0 "$CNNTRAIN" --config cfg.json --out plain
[ ! -e "plain/$events" ] || fail "expected no event file without --tensorboard"
expect_same plain/model.bin built/model.bin

# interrupted and resumed, the file has each epoch once
run 0 "$CNNTRAIN" --config cfg.json train.epochs=3 --tensorboard --out run
size=$(wc -c <"run/$events")
run 0 "$CNNTRAIN" --config cfg.json train.epochs=3 --tensorboard --out run --resume
[ "$(wc -c <"run/$events")" -eq "$size" ] || fail "expected a finished run to leave its events unchanged"
printf 'torn' >>"run/$events" # a process that was killed while it wrote
run 0 "$CNNTRAIN" --config cfg.json train.epochs=6 --tensorboard --out run --resume
run 0 "$CNNTRAIN" --config cfg.json --tensorboard --out folds --folds 2
[ -s "folds/fold-1/$events" ] && [ -s "folds/fold-2/$events" ] || fail "expected an event file for each fold"

if "$python" -c 'import tensorboard' 2>/dev/null; then
    "$python" "$SOURCE/tests/tensorboard_read.py" run >read 2>messages || fail "TensorBoard: $(cat messages)"
    # the numbers are those of metrics.csv, as floats
    awk -F, 'NR > 1 { printf "loss/train %d %.6g\nloss/validation %d %.6g\nauc/validation %d %.6g\n", $1, $3, $1, $5, $1, $7 }' \
        run/metrics.csv | sort >expected
    grep -E '^(loss/train|loss/validation|auc/validation) ' read | sort >found
    expect_same expected found
    [ "$(grep -c '^config .* text ' read)" -eq 2 ] || fail "expected the config at both ends of the run: $(cat read)"
    grep -q '^mistakes_of_class_[01]/1 6 image ' read || fail "expected pictures of mistakes: $(cat read)"
    grep -q '^least_certain/' read || fail "expected pictures of uncertain images: $(cat read)"
    "$python" "$SOURCE/tests/tensorboard_read.py" folds/fold-2 2>/dev/null | grep -q '^loss/train 2 ' ||
        fail "expected the epochs of a fold"
else
    echo "TensorBoard is not installed: the contents of the file are not compared"
fi

# killed in place of any call that changes files, which has written half if it is a write, and resumed: TensorBoard reads the
# points, pictures and config of an undisturbed run, each once
if [ -n "${INJECT-}" ] && "$python" -c 'import tensorboard' 2>/dev/null; then
    small="--no-report --no-cache --threads 1 --tensorboard train.epochs=2 data.train=few data.validation=0.5"
    make_data few 12
    mislabel few 3
    write_config few.json
    last="$CNNTRAIN --config few.json $small"
    # shellcheck disable=SC2086
    INJECT_CLASS=write INJECT_AT=0 INJECT_REPORT=calls LD_PRELOAD=$INJECT "$CNNTRAIN" --config few.json $small --out whole -q
    read -r calls rest <calls
    at=1
    while [ "$at" -le "$calls" ]; do
        # shellcheck disable=SC2086
        {
            INJECT_CLASS=write INJECT_AT=$at INJECT_MODE=kill LD_PRELOAD=$INJECT "$CNNTRAIN" --config few.json $small --out "killed-$at" -q
            [ $? -eq 137 ] || fail "expected call $at of $calls to be the last"
            run 0 "$CNNTRAIN" --config few.json $small --out "killed-$at" --resume
        } 2>/dev/null
        at=$((at + 1))
    done
    "$python" "$SOURCE/tests/tensorboard_read.py" whole killed-* >differences 2>messages ||
        fail "expected the points of an undisturbed run: $(cat differences messages)"
    [ "$calls" -gt 40 ] || fail "expected the calls of two epochs, found $calls"
fi

# a finished run gets its file afterwards
run 0 "$CNNTRAIN" --config cfg.json --out plain --resume --tensorboard
expect_file "plain/$events"

# over an old run, nothing of it is left
run 0 "$CNNTRAIN" --config cfg.json --out run --overwrite
[ ! -e "run/$events" ] || fail "expected --overwrite to remove the events of the earlier run"

# a file that cannot be written is a warning, and the run the same
run 0 "$CNNTRAIN" --config cfg.json --out blocked
mkdir "blocked/$events"
run 0 "$CNNTRAIN" --config cfg.json train.epochs=4 --tensorboard --out blocked --resume
expect_stderr "^cnntrain: blocked/$events: .*; no more events are written"
[ "$(grep -c 'no more events' stderr)" -eq 1 ] || fail "expected one warning"
[ "$(wc -l <blocked/metrics.csv)" -eq 5 ] || fail "expected the run to continue"

finish
