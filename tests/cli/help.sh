# shellcheck shell=sh disable=SC1091,SC2034,SC2154
# --help, --version, --help-config and --schema.
. "$SOURCE/tests/cli/lib.sh"

# The text fits on a screen: lines from $1 to 50, at most 100 columns, a trailing newline.
expect_screen() {
    lines=$(wc -l <stdout)
    if [ "$lines" -lt "$1" ] || [ "$lines" -gt 50 ]; then
        fail "expected $1 to 50 lines, got $lines"
    fi
    widest=$(awk '{ if (length($0) > most) most = length($0) } END { print most + 0 }' stdout)
    [ "$widest" -le 100 ] || fail "expected at most 100 columns, got $widest"
    [ "$(tail -c 1 stdout | wc -l)" -eq 1 ] || fail "expected a newline at the end"
}

for option in --help -h; do
    run 0 "$CNNTRAIN" $option && expect_screen 24
    expect_no_stderr
    expect_in_stdout '^usage: cnntrain --config '
    expect_in_stdout '75 stopped by a signal'
    run 0 "$CNNPREDICT" $option && expect_screen 20
    expect_no_stderr
    expect_in_stdout '^usage: cnnpredict MODEL PATH'
    run 0 "$CNNEVAL" $option && expect_screen 20
    expect_no_stderr
    expect_in_stdout '^usage: cnneval MODEL DATA'
    run 0 "$CNNCONVERT" $option && expect_screen 15
    expect_no_stderr
    expect_in_stdout '^usage: cnnconvert IN OUT'
done

for option in --version -V; do
    run 0 "$CNNTRAIN" $option
    expect_in_stdout '^cnntrain [0-9]+\.[0-9]+\.[0-9]+$'
    expect_no_stderr
    run 0 "$CNNPREDICT" $option
    expect_in_stdout '^cnnpredict [0-9]+\.[0-9]+\.[0-9]+$'
    expect_no_stderr
    run 0 "$CNNEVAL" $option
    expect_in_stdout '^cnneval [0-9]+\.[0-9]+\.[0-9]+$'
    expect_no_stderr
    run 0 "$CNNCONVERT" $option
    expect_in_stdout '^cnnconvert [0-9]+\.[0-9]+\.[0-9]+$'
    expect_no_stderr
done

# --help takes precedence over missing arguments and over other options.
run 0 "$CNNTRAIN" --quiet --help
run 0 "$CNNPREDICT" --threads 1 --help

run 0 "$CNNTRAIN" --help-config
expect_no_stderr
cp stdout help-config
widest=$(awk '{ if (length($0) > most) most = length($0) } END { print most + 0 }' help-config)
[ "$widest" -le 100 ] || fail "expected at most 100 columns, got $widest"
for key in data.train data.validation data.test data.classes data.bad_images data.duplicates data.sampling \
    image.width image.height image.channels image.resize image.normalize image.max_megapixels layers \
    train.epochs train.batch_size train.optimizer train.learning_rate train.momentum train.shuffle train.seed train.checkpoint_seconds \
    train.early_stopping.metric train.early_stopping.patience train.early_stopping.smoothing train.early_stopping.restore output \
    train.threshold train.calibrate \
    train.nesterov train.beta1 train.beta2 train.epsilon train.weight_decay train.schedule train.warmup_epochs train.step_epochs \
    train.step_factor train.clip_norm train.label_smoothing train.pos_weight train.ema_decay \
    augment.flip_horizontal augment.flip_vertical augment.shift augment.rotate augment.zoom augment.shear \
    augment.brightness augment.contrast augment.saturation augment.cutout augment.noise \
    leaky_relu negative_slope silu avgpool global_avgpool batchnorm eps dropout rate residual \
    filters kernel stride padding size units conv relu maxpool flatten dense sigmoid; do
    grep -Eq "^ +$key( |\$)" help-config || fail "expected --help-config to name $key"
done

run 0 "$CNNTRAIN" --schema
expect_no_stderr
expect_same stdout "$SOURCE/configs/schema.json"
# every key of --help-config is a key of the schema
sed -n 's/^ *\([a-z0-9_.]*\)  (.*/\1/p' help-config | sed 's/.*\.//' >keys
[ "$(wc -l <keys)" -ge 25 ] || fail "expected at least 25 keys in --help-config"
while read -r key; do
    grep -q "\"$key\":" stdout || fail "expected --schema to name $key"
done <keys

finish
