# shellcheck shell=sh disable=SC1091,SC2034,SC2154
# One run per directory: a second is refused while the first is running, but not by the lock file that a crash leaves.
. "$SOURCE/tests/cli/lib.sh"
make_data data 100
write_config cfg.json

# start DIR: a long run in the background; returns when it is training.
start() {
    "$CNNTRAIN" --config cfg.json train.epochs=100000 --out "$1" --threads 1 -q 2>/dev/null &
    background=$!
    polls=0
    while [ ! -f "$1/checkpoint.bin" ] && [ "$polls" -lt 3000 ]; do
        sleep 0.01
        polls=$((polls + 1))
    done
}

start out
for mode in "" --resume --overwrite; do
    # shellcheck disable=SC2086
    run 2 "$CNNTRAIN" --config cfg.json train.epochs=100000 --out out $mode
    expect_one_message
    if [ -z "$mode" ]; then
        expect_stderr '^cnntrain: out: expected an empty run directory'
    else
        expect_stderr "^cnntrain: out: another run \(process $background on [^)]+\) is using this directory"
    fi
done
kill -0 "$background" || fail "expected the first run to continue"

# killed: its lock file still exists, and locks no run out
kill -KILL "$background"
wait "$background" 2>/dev/null
background=
[ -e out/.lock ] || fail "expected the file out/.lock"
: >out/model.bin.tmp.12345
run 2 "$CNNTRAIN" --config cfg.json --out out
expect_stderr 'expected an empty run directory'
run 0 "$CNNTRAIN" --config cfg.json --out out --overwrite
expect_no_file out/.lock
expect_no_file out/model.bin.tmp.12345

# a crash before the first file, or while it is written: the directory counts as empty
for mode in "" --resume --overwrite; do
    rm -rf fresh
    mkdir fresh
    echo 12345 >fresh/.lock
    : >fresh/config.json.tmp.12345
    # shellcheck disable=SC2086
    run 0 "$CNNTRAIN" --config cfg.json --out fresh $mode
    expect_no_file fresh/.lock
    expect_no_file fresh/config.json.tmp.12345
done
rm -rf fresh
mkdir fresh
echo mine >fresh/notes.tmp.12345
run 2 "$CNNTRAIN" --config cfg.json --out fresh --resume
expect_stderr 'expected a run to resume, found other files'
expect_file fresh/notes.tmp.12345

# two at the same time, into a directory that does not exist: one of them trains
last="two runs at once"
"$CNNTRAIN" --config cfg.json train.epochs=300 --out both 2>stderr-1 &
first=$!
"$CNNTRAIN" --config cfg.json train.epochs=300 --out both 2>stderr-2 &
second=$!
wait $first
first=$?
wait $second
second=$?
case $first$second in
02 | 20) ;;
*) fail "expected exit codes 0 and 2, got $first and $second" ;;
esac
[ "$(wc -l <both/metrics.csv)" -eq 301 ] || fail "expected 300 rows in both/metrics.csv"

finish
