# shellcheck shell=sh disable=SC1091,SC2034,SC2154
# Output that cannot be written: exit code 1, the file by name, no incomplete file left.
. "$SOURCE/tests/cli/lib.sh"
write_config cfg.json
train_model model

# to_full COMMAND...: stdout is a full disk.
to_full() {
    last="$* > /dev/full"
    "$@" >/dev/full 2>stderr
    code=$?
    [ "$code" -eq 1 ] || fail "expected exit code 1 on a full disk, got $code"
    expect_stderr '^cnn(train|predict): standard output: '
}
if [ -c /dev/full ]; then
    rm -f stdout
    to_full "$CNNTRAIN" --config cfg.json --dry-run
    to_full "$CNNTRAIN" --config cfg.json --check-gradients
    to_full "$CNNTRAIN" --config cfg.json --trace
    to_full "$CNNTRAIN" --help
    to_full "$CNNTRAIN" --version
    to_full "$CNNTRAIN" --schema
    to_full "$CNNTRAIN" --help-config
    for format in tsv csv jsonl; do
        to_full "$CNNPREDICT" model/model.bin data --format $format
    done
    to_full "$CNNPREDICT" model/model.bin missing.pgm
    to_full "$CNNPREDICT" --help
    to_full "$CNNPREDICT" --version
fi

# A limit on the size of files simulates a full disk. By default it ends a program with SIGXFSZ, which would leave a
# temporary file; the programs ignore that signal, so that write fails as on a full disk.
# (ThreadSanitizer itself does not survive such a limit.)
case ${SANITIZE-} in
*thread*) finish ;;
esac
# limited BLOCKS DIR OVERRIDE...
limited() {
    blocks=$1
    dir=$2
    shift 2
    last="cnntrain --out $dir, files of at most $blocks blocks"
    (
        ulimit -f "$blocks"
        exec "$CNNTRAIN" --config cfg.json --out "$dir" "$@"
    ) >stdout 2>stderr
    code=$?
    [ "$code" -eq 1 ] || fail "expected exit code 1, got $code"
    expect_stderr "^cnntrain: $dir/[a-z.]+: File too large"
    left_over=$(find "$dir" -name '*.tmp.*')
    [ -z "$left_over" ] || fail "expected no temporary files, found $left_over"
}
limited 1 nothing --quiet
limited 2 small layers.0.filters=64

# earlier files stay intact: a run that was ended by a full disk can be resumed
rm -rf grown
run 0 "$CNNTRAIN" --config cfg.json --out grown layers.0.filters=64 -q
cp grown/model.bin kept.bin
limited 2 grown layers.0.filters=64 train.epochs=4 --resume
run 0 "$CNNPREDICT" grown/model.bin data/left/00000.pgm
run 0 "$CNNTRAIN" --config cfg.json --out grown layers.0.filters=64 train.epochs=4 --resume
run 0 "$CNNTRAIN" --config cfg.json --out at-once layers.0.filters=64 train.epochs=4
expect_same grown/model.bin at-once/model.bin

# folders without write permission; root may write anywhere
if [ "$(id -u)" -ne 0 ]; then
    mkdir read-only
    chmod 555 read-only
    run 1 "$CNNTRAIN" --config cfg.json --out read-only
    expect_stderr '^cnntrain: read-only'
    run 1 "$CNNTRAIN" --config cfg.json --out read-only/deep
    expect_stderr '^cnntrain: read-only/deep'
    chmod 755 read-only
    mkdir closed
    chmod 000 closed
    run 6 "$CNNPREDICT" model/model.bin closed
    expect_in_stdout '^closed	.*ermission'
    chmod 755 closed
    cp data/left/00000.pgm closed.pgm
    chmod 000 closed.pgm
    run 6 "$CNNPREDICT" model/model.bin closed.pgm
    expect_in_stdout '^closed.pgm	.*ermission'
fi

finish
