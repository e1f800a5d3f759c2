# shellcheck shell=sh disable=SC1091,SC2034,SC2154
# The benchmark runs, and its table and its JSON have all rows; speed is not tested.
. "$SOURCE/tests/cli/lib.sh"
: "${BENCH:?}"

run 0 "$BENCH" --help
expect_in_stdout '^usage: cnnbench '
run 2 "$BENCH"
expect_one_message
run 2 "$BENCH" --threads 2,1 "$SOURCE/configs/bench/seed.json"
expect_stderr '^cnnbench: --threads: '
run 2 "$BENCH" --isa sse "$SOURCE/configs/bench/seed.json"
expect_stderr '^cnnbench: --isa: '
run 2 "$BENCH" --conv fast "$SOURCE/configs/bench/seed.json"
expect_stderr '^cnnbench: --conv: '

run 0 "$BENCH" --seconds 0.0001 --isa best --threads 1,2 --json out.json \
    "$SOURCE/configs/bench/seed.json" "$SOURCE/configs/bench/tiny.json"
expect_no_stderr
for network in seed tiny; do
    [ "$(grep -Ec "^$network +(avx512|avx2|generic) +[12] " stdout)" -eq 2 ] || fail "expected two rows for $network"
done
expect_in_stdout ' 0 conv\+relu.* forward '
expect_in_stdout ' 0 conv\+relu.* weight '
expect_in_stdout ' 4 dense .* data '
expect_in_stdout ' whole step '
[ "$(grep -c '"images_per_second":[[:space:]]*[0-9]' out.json)" -eq 4 ] || fail "expected four steps in the JSON"
[ "$(grep -c '"peak_share":' out.json)" -ge 20 ] || fail "expected layers in the JSON"
[ "$(grep -c '"gflops":[[:space:]]*[0-9]' out.json)" -ge 10 ] || fail "expected rates in the JSON"
# cnntrain reads JSON strictly: this is valid, though not a config
run 2 "$CNNTRAIN" --config out.json
expect_stderr 'unknown key "version"'

run 0 "$BENCH" --seconds 0.0001 --isa best --threads 1 --batch 7 --conv direct --no-layers "$SOURCE/configs/bench/seed.json"
expect_in_stdout 'convolutions: direct'
expect_in_stdout 'batches of 7;'

# layers that see the whole batch are timed in whole steps only
sed 's/{"type": "relu"}/{"type": "batchnorm"}, {"type": "relu"}/' "$SOURCE/configs/bench/seed.json" >batchnorm.json
run 2 "$BENCH" --seconds 0.0001 --isa best --threads 1 batchnorm.json
expect_stderr 'layers look at each image alone'
run 0 "$BENCH" --seconds 0.0001 --isa best --threads 1 --no-layers batchnorm.json
expect_in_stdout '^batchnorm '

# what one process of several does in a step, and the model of it
: "${CNNRANKS:?}"
run 0 "$CNNRANKS" --help
expect_in_stdout '^usage: cnnranks '
run 2 "$CNNRANKS"
expect_stderr '^cnnranks: expected a config'
run 2 "$CNNRANKS" --ranks 0 "$SOURCE/configs/bench/seed.json"
expect_stderr '^cnnranks: --ranks: '
run 0 python3 "$SOURCE/tests/bench/check_several_machines.py" "$CNNRANKS"

# a build without tests has the target, too
if [ -z "${SANITIZE-}" ]; then
    run 0 cmake -S "$SOURCE" -B no-tests -DCNN_TESTS=OFF
    run 0 cmake --build no-tests --target help
    expect_in_stdout '(^|[ .])bench(:|$)'
fi

# its configs are configs for cnntrain, too
make_data data 40
for config in "$SOURCE"/configs/bench/*.json; do
    run 0 "$CNNTRAIN" --config "$config" data.train=data data.test=data 'data.classes=["left","right"]' \
        data.duplicates=allow --out "$(basename "$config" .json)" --dry-run
done

finish
