# shellcheck shell=sh disable=SC1091,SC2034,SC2154
# --max-memory: whatever it is, the program ends with what was wanted, or with the bytes that it gives without a limit.
. "$SOURCE/tests/cli/lib.sh"
make_data data 40
write_config cfg.json
run 0 "$CNNTRAIN" --config cfg.json --out free -q --no-cache --threads 2

# enough NAME COMMAND...: under limits from next to nothing on, until it is enough. Says how much that was.
enough() {
    name=$1
    shift
    kibi=1
    refused=0
    while [ "$kibi" -le 65536 ]; do
        last="$* --max-memory ${kibi}K"
        rm -rf limited
        "$@" --max-memory "${kibi}K" >stdout 2>stderr
        code=$?
        if [ "$code" -eq 0 ]; then
            [ "$refused" -gt 3 ] || fail "expected --max-memory to be obeyed from 1K on"
            echo "$name: ${kibi}K is enough"
            return
        fi
        refused=$((refused + 1))
        # an image that memory is too short for is an input that failed
        [ "$code" -eq 1 ] || [ "$code" -eq 6 ] || fail "expected exit code 1, got $code"
        cat stdout stderr | grep -Eq '[0-9.]+ (bytes|[KM]iB) (wanted|\(.* parameters).* allowed \(--max-memory\)' ||
            fail "expected the amounts in the message"
        left_over=$(find . -name '*.tmp*' -o -name .lock)
        [ -z "$left_over" ] || fail "expected no temporary files, found $left_over"
        kibi=$((kibi * 5 / 4 + 1))
    done
    fail "expected 64M to be enough"
}

enough training "$CNNTRAIN" --config cfg.json --out limited -q --no-cache --threads 2
expect_same free/model.bin limited/model.bin
enough 'training with the cache' "$CNNTRAIN" --config cfg.json --out limited -q --threads 2
expect_same free/model.bin limited/model.bin
enough 'a report of the data' "$CNNTRAIN" --config cfg.json --out limited -q --check-data
enough prediction "$CNNPREDICT" free/model.bin data
run 0 "$CNNPREDICT" free/model.bin data
cp stdout rows
enough 'prediction again' "$CNNPREDICT" free/model.bin data
expect_same rows stdout

# a network that no machine holds is refused before anything is asked for
run 1 "$CNNTRAIN" --config cfg.json --out huge image.width=512 image.height=512 layers.0.filters=128 --max-memory 500M
expect_stderr '^cnntrain: the network needs [0-9.]+ GiB \(.* for parameters, .* of 500.0 MiB allowed \(--max-memory\)'
expect_no_file huge
for size in 0 -1 x 1Q ''; do
    run 2 "$CNNTRAIN" --config cfg.json --max-memory "$size"
    expect_stderr '^cnntrain: --max-memory: expected a number of bytes'
    run 2 "$CNNPREDICT" free/model.bin data --max-memory "$size"
done

finish
