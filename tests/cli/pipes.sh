# shellcheck shell=sh disable=SC1091,SC2034,SC2154
# Pipes whose reader is gone. Messages are dropped, and the work continues; results that cannot be written end the
# program, as in other programs.
. "$SOURCE/tests/cli/lib.sh"

# the caller may ignore SIGPIPE, and children inherit that
sh -c 'kill -PIPE $$'
[ $? -eq 141 ] || exit 77

make_data data 40
write_config cfg.json
run 0 "$CNNTRAIN" -c cfg.json -v -o whole

# descriptor 3: a pipe whose reader has gone
mkfifo pipe
: <pipe &
exec 3>pipe
wait

# without_reader EXIT COMMAND...: stdout and stderr are pipes without a reader
without_reader() {
    wanted=$1
    shift
    last="$*"
    rm -f stdout stderr
    "$@" >&3 2>&3
    code=$?
    [ "$code" -eq "$wanted" ] || fail "expected exit code $wanted, got $code"
}

# training continues without its messages, and ends with the same files
without_reader 0 "$CNNTRAIN" -c cfg.json -v -o unseen
for file in model.bin last.bin predictions.csv split.csv; do expect_same "whole/$file" "unseen/$file"; done
expect_file unseen/summary.json
without_reader 0 "$CNNTRAIN" -c cfg.json -v -o folds --folds 2
expect_file folds/summary.json
without_reader 2 "$CNNTRAIN" -c cfg.json -v -o unseen
without_reader 2 "$CNNTRAIN" -c missing.json
without_reader 4 "$CNNPREDICT" missing.bin data
{
    "$CNNTRAIN" -c cfg.json -v -o piped
    echo $? >code
} 2>&1 | head -n 1 >first-line
[ "$(cat code)" -eq 0 ] || fail "expected exit code 0 with | head"
expect_same whole/model.bin piped/model.bin
expect_file first-line

# unread COMMAND...: results go to a pipe without a reader: ends by SIGPIPE (141), without a message
unread() {
    last="$* | (no reader)"
    rm -f stdout
    "$@" >&3 2>stderr
    code=$?
    [ "$code" -eq 141 ] || fail "expected exit code 141, got $code"
    expect_no_stderr
}
for format in tsv csv jsonl; do unread "$CNNPREDICT" whole/model.bin data --format $format; done
unread "$CNNPREDICT" whole/model.bin data --no-sandbox
unread "$CNNEVAL" whole/model.bin data
unread "$CNNEVAL" whole/model.bin data --format json
unread "$CNNTRAIN" -c cfg.json -q --trace
unread "$CNNTRAIN" -c cfg.json -q --dry-run
unread "$CNNTRAIN" --init data -q
for option in help help-config schema version; do unread "$CNNTRAIN" --$option; done
unread "$CNNPREDICT" --help
unread "$CNNEVAL" --version

# if SIGPIPE is ignored: an ordinary error
(
    trap '' PIPE
    "$CNNPREDICT" whole/model.bin data >&3 2>stderr
    [ $? -eq 1 ]
) || fail "expected exit code 1 where SIGPIPE is ignored"
expect_stderr '^cnnpredict: standard output: Broken pipe$'

# the first rows are complete
"$CNNPREDICT" whole/model.bin data | head -n 3 >rows
"$CNNPREDICT" whole/model.bin data >all-rows
head -n 3 all-rows >wanted
expect_same wanted rows

finish
