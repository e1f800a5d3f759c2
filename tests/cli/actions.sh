# shellcheck shell=sh disable=SC1091,SC2034,SC2154
# --dry-run, --print-config, --check-gradients and --trace: results on stdout, no run directory.
. "$SOURCE/tests/cli/lib.sh"
make_data data 64
make_data test 10 2
write_config cfg.json

# --- dry run
run 0 "$CNNTRAIN" --config cfg.json data.test=test --dry-run
expect_no_file out
expect_in_stdout '^ *0 +conv +4x10x10 +40 +[0-9]+ '
expect_in_stdout '^ *1 +relu +4x10x10 +0 '
expect_in_stdout '^ *2 +maxpool +4x5x5 +0 '
expect_in_stdout '^ *3 +flatten +100 +0 '
expect_in_stdout '^ *4 +dense +1 +101 '
expect_in_stdout '^ *5 +sigmoid +1 +0 '
expect_in_stdout '^ *total +141 '
expect_in_stdout '^memory +[0-9.]+ MiB$'
expect_in_stdout '^ *train +[0-9]+ +[0-9]+ +[0-9]+$'
expect_in_stdout '^ *test +10 +5 +5$'
expect_in_stdout '^2 epochs of [0-9]+ batches of 8 images'
counted=$(awk '/^ *(train|validation) +[0-9]/ { sum += $2 } END { print sum }' stdout)
[ "$counted" -eq 64 ] || fail "expected 64 images, got $counted"
run 0 "$CNNTRAIN" --config cfg.json --dry-run --quiet
expect_no_stderr
[ -s stdout ] || fail "expected --quiet to leave results"
# a dry run reads the data
run 3 "$CNNTRAIN" --config cfg.json --dry-run data.train=missing
expect_stdout ""

# --- the config: what is printed is a config, and the one that a run keeps; no data needed
run 0 "$CNNTRAIN" --config cfg.json --print-config data.train=missing train.epochs=7 layers.0.padding=same
expect_no_stderr
expect_no_file out
expect_in_stdout '"epochs":	7,$'
expect_in_stdout '"padding":	"same"'
expect_in_stdout '"batch_size":	8,$'
expect_in_stdout '"beta2":	0.999,$' # a default
cp stdout printed.json
run 0 "$CNNTRAIN" --config printed.json --print-config
expect_same stdout printed.json
run 2 "$CNNTRAIN" --config cfg.json --print-config train.epochs=-1
expect_stdout ""
run 0 "$CNNTRAIN" --config cfg.json --print-config 'data.classes=["left","right"]' train.epochs=0
cp stdout printed.json
run 0 "$CNNTRAIN" --config printed.json --quiet --out kept
echo >>kept/config.json
expect_same kept/config.json printed.json

# --- gradients: every relative error, and no data needed
for config in cfg.json "$SOURCE/configs/seed.json"; do
    run 0 "$CNNTRAIN" --config "$config" --check-gradients data.train=missing
    expect_no_file out
    expect_in_stdout '^passed$'
    for tensor in 0.weight 0.bias 4.weight 4.bias; do
        expect_in_stdout "^$tensor "
    done
    awk '/^[0-9]+\.(weight|bias) / {
             rows++
             if (!($NF + 0 < 1e-6) || $NF !~ /^[0-9.e+-]+$/ || !($4 > 0)) bad++
         }
         END { exit rows != 4 || bad > 0 }' stdout || fail "expected relative errors below 1e-6"
done

# --- trace: the values and gradients of one batch, by the names of the notes
run 0 "$CNNTRAIN" --config "$SOURCE/configs/seed.json" data.train=data data.test=test --trace
cp stdout trace.json
for key in m images X y w1 b1 Z1 A1 P1 F w2 b2 Z2 A2 L dA2 dZ2 dw2 db2 dF dP1 dA1 dZ1 dw1 db1; do
    count=$(grep -Ec "^[{]?\"$key\": [^ ]" trace.json)
    [ "$count" -eq 1 ] || fail "expected the key $key once in the trace, got $count"
done
[ "$(head -c 1 trace.json)" = '{' ] || fail "expected an object"
[ "$(tail -n 1 trace.json)" = '}' ] || fail "expected an object"
grep -Eq '^[{]?"m": 32,$' trace.json || fail "expected the batch's size"
grep -Eq '^"L": 0\.[0-9]+,$' trace.json || fail "expected the loss"
if grep -q 'null' trace.json; then fail "expected numbers only"; fi
run 0 "$CNNTRAIN" --config "$SOURCE/configs/seed.json" data.train=data data.test=test --trace --threads 2 -q
expect_same trace.json stdout
expect_no_stderr
expect_no_file runs

finish
