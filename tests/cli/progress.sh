# shellcheck shell=sh disable=SC1091,SC2034,SC2154
# The progress line on a terminal, which script(1) provides, and messages elsewhere.
. "$SOURCE/tests/cli/lib.sh"

command -v script >/dev/null || {
    echo "skipped: the program script is not installed"
    exit 77
}
make_data data 200
write_config cfg.json
train="$CNNTRAIN --config cfg.json train.epochs=30 --overwrite"

# on_terminal COLUMNS VARIABLE=VALUE ...: trains on a terminal of this width. What it shows is in `terminal`.
on_terminal() {
    columns=$1
    shift
    env "$@" script -qec "stty cols $columns; $train --out run" /dev/null </dev/null >terminal 2>&1 ||
        fail "expected the run on a terminal to succeed: $(cat terminal)"
}

on_terminal 100 TERM=xterm LC_ALL=C.UTF-8 NO_COLOR=
grep -q 'epoch [0-9]*/30 .*loss 0\.' terminal || fail "expected a progress line: $(cat terminal)"
grep -q '━\|─' terminal || fail "expected a bar of block characters"
grep -q "$(printf '\033\[32m')" terminal || fail "expected colours"
grep -q 'epoch [0-9]*/30: train loss' terminal && fail "expected no line per epoch on a terminal"
grep -q 'model of epoch' terminal || fail "expected the results after the progress line"
[ "$(wc -l <run/metrics.csv)" -eq 31 ] || fail "expected 30 rows in metrics.csv"

on_terminal 100 TERM=xterm LC_ALL=C.UTF-8 NO_COLOR=1
grep -q "$(printf '\033\[3')" terminal && fail "expected no colours with NO_COLOR"

on_terminal 40 TERM=xterm LC_ALL=C NO_COLOR=1
# each drawing, without the codes that begin it, fits into the window
tr '\r' '\n' <terminal | sed "s/$(printf '\033')\[K//" | grep '^epoch' | awk 'length($0) > 39 { exit 1 }' ||
    fail "expected lines of at most 39 columns"
tr '\r' '\n' <terminal | grep -q '^.*epoch.*loss' || fail "expected the loss in a narrow window"

on_terminal 100 TERM=dumb
grep -q "$(printf '\033')" terminal && fail "expected no codes on a dumb terminal"
grep -q 'epoch 30/30: train loss' terminal || fail "expected a line per epoch on a dumb terminal"

# --- a sweep with jobs: a line for the set, none of a run but warnings, which do not cut it
echo '{"grid": {"train.learning_rate": [0.1, 0.2, 1e6], "image.normalize": ["standardize"]}}' >sweep.json
train="$CNNTRAIN --config cfg.json train.epochs=30 --sweep sweep.json --jobs 2 --overwrite"
on_terminal 100 TERM=xterm LC_ALL=C NO_COLOR=1
tr '\r' '\n' <terminal | sed "s/$(printf '\033')\[K//" >lines
grep -q '^runs [0-3]/3 [#.]*\(  1 failed\)\?  [012] running' lines || fail "expected a line for the set: $(cat lines)"
grep -q 'run [12]/3: ' lines && fail "expected no lines of runs: $(cat lines)"
grep -q '^cnntrain: run 3/3: .*diverged' lines || fail "expected the failure on a line of its own: $(cat lines)"
grep -q "$(printf '\033\[3')" terminal && fail "expected no colours with NO_COLOR"
on_terminal 100 TERM=dumb
grep -q "$(printf '\033')" terminal && fail "expected no codes on a dumb terminal"
for r in 1 2; do
    grep -q "^run $r/3: epoch 30/30 after .* s, validation loss [0-9.]*; [123] of 3 done" terminal ||
        fail "expected a line for run $r on a dumb terminal: $(cat terminal)"
done
grep -q 'run 1/3: epoch 1/30' terminal && fail "expected no line per epoch with jobs"

train="$CNNTRAIN --config cfg.json train.epochs=30 --overwrite"
run 0 sh -c "$train --out other"
expect_stderr '^epoch 30/30: train loss'

finish
