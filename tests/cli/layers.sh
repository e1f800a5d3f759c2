# shellcheck shell=sh disable=SC1091,SC2034,SC2154
# Networks with batchnorm, dropout, residuals and pools of means in whole runs: the table, gradients, predictions, any
# number of threads, any instruction set and any interruption; configs that are refused.
. "$SOURCE/tests/cli/lib.sh"
make_data data 90
mislabel data 5
cat >cfg.json <<'END'
{
    "data": {"train": "data", "validation": 0.25},
    "image": {"width": 12, "height": 12, "channels": 1},
    "layers": [
        {"type": "conv", "filters": 4, "kernel": 3, "padding": "same"},
        {"type": "batchnorm"},
        {"type": "leaky_relu", "negative_slope": 0.1},
        {"type": "residual", "layers": [
            {"type": "conv", "filters": 6, "kernel": 3, "stride": 2, "padding": "same"},
            {"type": "batchnorm"},
            {"type": "relu"},
            {"type": "dropout", "rate": 0.1},
            {"type": "residual", "layers": [
                {"type": "conv", "filters": 6, "kernel": 3, "padding": "same"},
                {"type": "batchnorm"}
            ]},
            {"type": "silu"}
        ]},
        {"type": "relu"},
        {"type": "avgpool", "size": 2},
        {"type": "batchnorm"},
        {"type": "global_avgpool"},
        {"type": "flatten"},
        {"type": "dropout"},
        {"type": "dense", "units": 1},
        {"type": "sigmoid"}
    ],
    "train": {"epochs": 3, "batch_size": 20, "optimizer": "adam", "learning_rate": 0.01, "seed": 1},
    "output": "out"
}
END

# --- the layer table
run 0 "$CNNTRAIN" --config cfg.json --dry-run
expect_in_stdout '^3\.layers\.0 +conv +6x6x6 +222 '
expect_in_stdout '^3\.layers\.4\.layers\.1 +batchnorm +6x6x6 +24 .*eps 1e-05, momentum 0\.1$'
expect_in_stdout '^3\.layers\.4 +add +6x6x6 +0 '
expect_in_stdout '^3\.projection +conv +6x6x6 +30 .*kernel 1, stride 2'
expect_in_stdout '^3 +add +6x6x6 +0 '
run 0 "$CNNTRAIN" --config cfg.json --check-gradients
expect_in_stdout '^0\.weight +conv '
expect_in_stdout '^3\.layers\.0\.weight +conv '
expect_in_stdout '^3\.layers\.4\.layers\.1\.bias +batchnorm '
expect_in_stdout '^3\.projection\.weight +conv '
expect_in_stdout '^passed$'

# --- blocks of MobileNets and ResNets: groups, sides of padding, ceilings, no biases, pools with padding
cat >mobile.json <<'END'
{
    "data": {"train": "data", "validation": 0.25},
    "image": {"width": 12, "height": 12, "channels": 1},
    "layers": [
        {"type": "conv", "filters": 4, "kernel": 3, "stride": 2, "padding": "same_upper", "bias": false},
        {"type": "batchnorm", "eps": 0.001},
        {"type": "relu", "max": 6},
        {"type": "residual", "layers": [
            {"type": "conv", "filters": 8, "kernel": 1, "groups": 2, "bias": false},
            {"type": "batchnorm"},
            {"type": "relu", "max": 1.5},
            {"type": "conv", "filters": 8, "kernel": 3, "padding": "same", "groups": 8, "bias": false},
            {"type": "batchnorm"},
            {"type": "relu", "max": 1.5},
            {"type": "conv", "filters": 4, "kernel": 1, "bias": false},
            {"type": "batchnorm"}
        ]},
        {"type": "maxpool", "size": 3, "stride": 2, "padding": 1},
        {"type": "residual", "projection": "batchnorm", "layers": [
            {"type": "conv", "filters": 6, "kernel": 3, "stride": 2, "padding": [1, 0, 1, 2], "bias": false},
            {"type": "batchnorm"}
        ]},
        {"type": "relu"},
        {"type": "avgpool", "size": 2, "stride": 1, "padding": [0, 0, 1, 1]},
        {"type": "flatten"},
        {"type": "dense", "units": 1},
        {"type": "sigmoid"}
    ],
    "train": {"epochs": 2, "batch_size": 20, "optimizer": "adam", "learning_rate": 0.01, "seed": 1},
    "output": "out"
}
END
run 0 "$CNNTRAIN" --config mobile.json --dry-run
expect_in_stdout '^0 +conv +4x6x6 +36 +2592 +filters 4, kernel 3, stride 2, padding same_upper, bias false$'
expect_in_stdout '^2 +relu +4x6x6 .* max 6$'
expect_in_stdout '^3\.layers\.0 +conv +8x6x6 +16 .* padding valid, groups 2, bias false$'
expect_in_stdout '^3\.layers\.3 +conv +8x6x6 +72 +5184 .* padding same, groups 8, bias false$'
expect_in_stdout '^4 +maxpool +4x3x3 .* size 3, stride 2, padding 1$'
expect_in_stdout '^5\.layers\.0 +conv +6x2x2 .* padding \[1, ?0, ?1, ?2\], bias false$'
expect_in_stdout '^5\.projection +conv +6x2x2 +24 '
expect_in_stdout '^5\.batchnorm +batchnorm +6x2x2 +24 '
run 0 "$CNNTRAIN" --config mobile.json --check-gradients
expect_in_stdout '^3\.layers\.3\.weight +conv '
expect_in_stdout '^5\.projection\.weight +conv '
expect_in_stdout '^5\.batchnorm\.bias +batchnorm '
expect_in_stdout '^passed$'
run 0 "$CNNTRAIN" --config mobile.json --trace
expect_in_stdout '^"w3": '
expect_in_stdout '^"dw5": '
! grep -q '^"b1": ' stdout || fail "expected no bias in the trace of a layer without one"
# a config without these keys is written without them
run 0 "$CNNTRAIN" --config cfg.json train.epochs=0 --out resolved
! grep -qE 'groups|bias|max"|projection' resolved/config.json || fail "expected no keys that are not set"

# --- a trace: one batch as the first step of training computes it, dropout and batch statistics included
cat >plain.json <<'END'
{
    "data": {"train": "data"},
    "image": {"width": 12, "height": 12, "channels": 1},
    "layers": [
        {"type": "residual", "layers": [
            {"type": "conv", "filters": 4, "kernel": 3, "padding": "same"},
            {"type": "leaky_relu"},
            {"type": "dropout", "rate": 0.3}
        ]},
        {"type": "avgpool", "size": 2},
        {"type": "flatten"},
        {"type": "dropout"},
        {"type": "dense", "units": 1},
        {"type": "sigmoid"}
    ],
    "train": {"epochs": 1, "batch_size": 65536},
    "output": "no"
}
END
sed 's/"leaky_relu"},/"leaky_relu"}, {"type": "batchnorm"},/' plain.json >normal.json
for config in normal plain; do
    run 0 "$CNNTRAIN" --config $config.json --out $config
    run 0 "$CNNTRAIN" --config $config.json --trace
    traced=$(sed -n 's/^"L": \([0-9.e-]*\),$/\1/p' stdout)
    trained=$(sed -n '2s/^[^,]*,[^,]*,\([^,]*\),.*/\1/p' $config/metrics.csv)
    awk "BEGIN { d = $traced - $trained; exit !(d < 1e-6 && d > -1e-6) }" ||
        fail "expected the loss of the first step in the trace: $trained, got $traced"
    [ $config = plain ] || cp stdout normal.trace
done
[ "$(grep -c '^"running_mean2": ' normal.trace)" -eq 1 ] || fail "expected the running averages once"
! grep -q '^"drunning' normal.trace || fail "expected no gradient of running averages"
# each channel of the batch has mean 0 after batchnorm, and so has the gradient before it
for name in Z2 dA1; do
    sed -n "s/^\"$name\": //p" normal.trace | tr -d '[]' | tr ',' '\n' | awk -v name=$name '
        { plane = int((NR - 1) / 144) % 4; sum[plane] += $1; size[plane] += $1 < 0 ? -$1 : $1 }
        END { for (c = 0; c < 4; c++) if (!(size[c] > 0 && sum[c] ^ 2 < (1e-5 * size[c]) ^ 2)) exit 1 }' ||
        fail "expected channels of mean 0 in $name"
done

# ... and the values of each layer are those that the step computed
logit=$(sed -n 's/^"Z3": \[\[\([^],]*\).*/\1/p' stdout)
probability=$(sed -n 's/^"A3": \[\[\([^],]*\).*/\1/p' stdout)
awk "BEGIN { d = 1 / (1 + exp(-($logit))) - $probability; exit !(d < 1e-6 && d > -1e-6) }" ||
    fail "expected the traced logit $logit to give the probability $probability"

# --- the same bytes
# same_bytes CONFIG: runs on several threads and instruction sets; leaves one in whole/, and in parts/ one that is
# stopped five times and not finished
same_bytes() {
    rm -rf whole parts
    run 0 "$CNNTRAIN" --config "$1" --threads 1 --out whole
    for threads in 2 3; do
        run 0 "$CNNTRAIN" --config "$1" --threads $threads --out other
        expect_same whole/model.bin other/model.bin
        expect_same whole/last.bin other/last.bin
        rm -r other
    done
    for isa in generic avx2 avx512; do
        CNN_ISA=$isa "$CNNTRAIN" --config "$1" -q --out other 2>stderr || {
            grep -q 'CNN_ISA' stderr && continue # this processor has no such instructions
            fail "expected a run with CNN_ISA=$isa"
        }
        expect_same whole/model.bin other/model.bin
        rm -r other
    done
    for part in 1 2 3 4 5; do
        run 0 "$CNNTRAIN" --config "$1" --out parts --resume --max-seconds 0.000001
    done
}
same_bytes mobile.json
run 0 "$CNNTRAIN" --config mobile.json --out parts --resume
for file in model.bin last.bin predictions.csv; do
    expect_same "whole/$file" "parts/$file"
done
same_bytes cfg.json
cp -r parts killed
run 0 "$CNNTRAIN" --config cfg.json --out parts --resume
for file in model.bin last.bin predictions.csv; do
    expect_same "whole/$file" "parts/$file"
done
# killed at random moments
"$CNNTRAIN" --config cfg.json -q --out killed --resume --threads 2 &
background=$!
sleep 0.02
kill -KILL $background 2>/dev/null
wait $background 2>/dev/null
background=
run 0 "$CNNTRAIN" --config cfg.json --out killed --resume
expect_same whole/model.bin killed/model.bin
expect_same whole/predictions.csv killed/predictions.csv

# --- predictions are those of the validation images, to the last digit
cut -d, -f1 whole/predictions.csv | sed 1d >paths
run 0 "$CNNPREDICT" --format csv whole/model.bin - <paths
cut -d, -f1,3 stdout | sort >predicted
cut -d, -f1,4 whole/predictions.csv | sort >expected
sed -i '/^path,/d' predicted expected
[ "$(wc -l <predicted)" -ge 20 ] || fail "expected at least 20 predictions"
expect_same predicted expected

# --- refusals
# refused LAYERS MESSAGE: the list of layers, before flatten, dense and sigmoid
refused() {
    printf '{"data": {"train": "data"}, "image": {"width": 12, "height": 12, "channels": 1}, "output": "no", "layers": [%s
        {"type": "flatten"}, {"type": "dense", "units": 1}, {"type": "sigmoid"}]}' "$1" >refused.json
    run 2 "$CNNTRAIN" --config refused.json
    expect_one_message
    expect_stderr "$2"
}
refused '{"type": "residual"},' 'layers\[0\]\.layers: missing; a residual has a list of layers'
refused '{"type": "residual", "layers": []},' 'layers\[0\]\.layers: expected a list of 1 to 1024 layers'
refused '{"type": "residual", "layers": {"type": "relu"}},' 'layers\[0\]\.layers: expected a list of 1 to 1024 layers'
refused '{"type": "residual", "layers": [3]},' 'layers\[0\]\.layers\[0\]: expected an object'
refused '{"type": "residual", "layers": [{"type": "relu"}], "projection": {}},' 'layers\[0\].*projection'
refused '{"type": "relu", "layers": []},' 'layers\[0\].*layers'
refused '{"type": "sum"},' 'layers\[0\]\.type: .*"sum"'
refused '{"type": "projection"},' 'layers\[0\]\.type: .*"projection"'
refused '{"type": "residual", "layers": [{"type": "conv", "filters": 2, "kernel": 2}]},' \
    'layers\[0\]\.layers: expected an output that can be added .* got 2×11×11 from 1×12×12'
refused '{"type": "residual", "layers": [{"type": "conv", "filters": 0, "kernel": 2}]},' \
    'layers\[0\]\.layers\[0\]\.filters: expected an integer from 1'
refused '{"type": "dropout", "rate": 1},' 'layers\[0\]\.rate: expected a number from 0 to 0\.99, got 1'
refused '{"type": "batchnorm", "eps": 0},' 'layers\[0\]\.eps: expected a number from 1e-10 to 1, got 0'
refused '{"type": "conv", "filters": 2, "kernel": 3, "groups": 2},' \
    'layers\[0\]\.groups: expected a divisor of the 1 input channels and of the 2 filters, got 2'
refused '{"type": "conv", "filters": 2, "kernel": 3, "groups": 0},' 'layers\[0\]\.groups: expected an integer from 1'
refused '{"type": "conv", "filters": 2, "kernel": 3, "padding": [1, 2, 3]},' \
    'layers\[0\]\.padding: expected .* or a list of four, \[top, left, bottom, right\], got '
refused '{"type": "conv", "filters": 2, "kernel": 3, "bias": 0},' 'layers\[0\]\.bias: expected true or false, got 0'
refused '{"type": "relu", "max": 0},' 'layers\[0\]\.max: expected a number above 0 and up to 1000000, got 0'
refused '{"type": "maxpool", "size": 3, "padding": 3},' \
    'layers\[0\]\.padding: expected less than the size of a window, 3, on each side, got 3'
refused '{"type": "residual", "projection": "none", "layers": [{"type": "relu"}]},' \
    'layers\[0\]\.projection: expected "conv" or "batchnorm", got "none"'
many=$(awk 'BEGIN { for (i = 0; i < 1100; i++) printf "%s{\"type\": \"relu\"}", i ? "," : "" }')
refused "{\"type\": \"residual\", \"layers\": [$many]}," 'layers: expected (at most|a list of 1 to) 1024 layers'
deep='{"type": "relu"}'
for depth in 1 2 3 4 5; do
    deep="{\"type\": \"residual\", \"layers\": [$deep]}"
done
refused "$deep," 'expected at most 4 residuals in each other'
# the longest place there can be is named whole
many=$(awk 'BEGIN { for (i = 0; i < 200; i++) printf "{\"type\": \"relu\"}, " }')
deep="$many{\"type\": \"conv\", \"filters\": 2, \"kernel\": 99}"
for depth in 1 2 3 4; do
    deep="$many{\"type\": \"residual\", \"layers\": [$deep]}"
done
refused "$deep," 'layers\[200\]\.layers\[200\]\.layers\[200\]\.layers\[200\]\.layers\[200\]\.kernel: expected '
for depth in 1 2 3 4 5 6 7 8; do
    deep="{\"type\": \"residual\", \"layers\": [$deep, $deep]}"
done
refused "$deep," 'expected at most 4 residuals in each other'
printf '{"data": {"train": "data"}, "image": {"width": 12, "height": 12, "channels": 1}, "output": "no", "layers": [
    {"type": "residual", "layers": [{"type": "flatten"}, {"type": "dense", "units": 1}, {"type": "sigmoid"}]}]}' >last.json
run 2 "$CNNTRAIN" --config last.json
expect_stderr 'layers\[0\]\.layers: expected an output that can be added'
printf '{"data": {"train": "data"}, "image": {"width": 1, "height": 1, "channels": 1}, "output": "no", "layers": [
    {"type": "residual", "layers": [{"type": "sigmoid"}]}]}' >last.json
run 2 "$CNNTRAIN" --config last.json
expect_stderr 'layers\[[0-9]\]\.type: expected sigmoid as the last layer, got'
expect_no_file no

# --- as deep as the deepest networks that are used: 45 residuals, 365 layers
awk 'BEGIN {
    conv = "{\"type\": \"conv\", \"filters\": 4, \"kernel\": 3, \"padding\": \"same\"}, {\"type\": \"batchnorm\"}"
    relu = "{\"type\": \"relu\"}"
    printf "{\"data\": {\"train\": \"data\", \"validation\": 0.25}, \"image\": {\"width\": 6, \"height\": 6, \"channels\": 1},\n"
    printf "\"layers\": [%s, %s,\n", conv, relu
    for (i = 0; i < 45; i++) printf "{\"type\": \"residual\", \"layers\": [%s, %s, %s]}, %s,\n", conv, relu, conv, relu
    printf "{\"type\": \"flatten\"}, {\"type\": \"dense\", \"units\": 1}, {\"type\": \"sigmoid\"}],\n"
    printf "\"train\": {\"epochs\": 2, \"batch_size\": 8, \"learning_rate\": 0.001, \"weight_decay\": 0.1}}\n"
}' >deepest.json
run 0 "$CNNTRAIN" -c deepest.json --dry-run
expect_in_stdout '^94 +dense '
run 0 "$CNNTRAIN" -c deepest.json -q -o deepest --threads 1
run 0 "$CNNTRAIN" -c deepest.json -q -o resumed --threads 2 train.epochs=1
run 0 "$CNNTRAIN" -c deepest.json -q -o resumed --threads 2 --resume
for file in model.bin predictions.csv; do expect_same deepest/$file resumed/$file; done
tail -n +2 deepest/predictions.csv | cut -d, -f1 | xargs "$CNNPREDICT" --format csv deepest/model.bin >predicted
tail -n +2 predicted | cut -d, -f1-3 >by-model
tail -n +2 deepest/predictions.csv | cut -d, -f1,3,4 >by-run
expect_same by-model by-run
run 0 "$CNNTRAIN" -c deepest.json --trace
cat >after.json <<'END'
{
    "data": {"train": "data", "validation": 0.25},
    "image": {"width": 6, "height": 6, "channels": 1},
    "pretrained": {"file": "deepest/model.bin", "train": 300},
    "layers": [{"type": "dense", "units": 1}, {"type": "sigmoid"}],
    "train": {"epochs": 1, "batch_size": 8, "learning_rate": 0.001}
}
END
run 2 "$CNNTRAIN" -c after.json -q -o after
expect_stderr ' pretrained\.train: expected at most 94, the layers of pretrained\.file'
run 0 "$CNNTRAIN" -c after.json -q -o after pretrained.train=90

finish
