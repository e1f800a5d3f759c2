# shellcheck shell=sh disable=SC1091,SC2034,SC2154
# pretrained.file: features of frozen layers give what the whole model gives, the same bytes however they are computed, from the cache,
# resumed after kill -9 and in folds; trained layers; what does not fit is refused.
. "$SOURCE/tests/cli/lib.sh"

# Two networks to start from. base: blocks, Winograd's convolution. large/base: images one at a time.
make_data data 40
make_data other 40 7
make_data test 12 3
mkdir large
"$MAKE_IMAGES" large/data 24 48 40 3 1 || exit 1
cat >cfg.json <<'END'
{
    "data": {"train": "data", "validation": 0.25},
    "image": {"width": 12, "height": 12, "channels": 1, "normalize": "standardize"},
    "layers": [
        {"type": "conv", "filters": 16, "kernel": 3, "padding": "same"}, {"type": "batchnorm"}, {"type": "relu"},
        {"type": "residual", "layers": [
            {"type": "conv", "filters": 16, "kernel": 3, "padding": "same"}, {"type": "batchnorm"}]},
        {"type": "maxpool", "size": 2},
        {"type": "flatten"}, {"type": "dense", "units": 6}, {"type": "relu"},
        {"type": "dropout", "rate": 0.5}, {"type": "dense", "units": 1}, {"type": "sigmoid"}
    ],
    "train": {"epochs": 3, "batch_size": 8, "learning_rate": 0.05, "seed": 1}
}
END
run 0 "$CNNTRAIN" --config cfg.json --quiet --out base
run 0 "$CNNTRAIN" --config cfg.json --quiet --out another train.learning_rate=0.02 # the same mean, other weights
run 0 "$CNNTRAIN" --config cfg.json --quiet --out large/base data.train=large/data image.width=48 image.height=40 image.channels=3 \
    train.epochs=1
cat >head.json <<'END'
{
    "data": {"train": "other", "validation": 0.25},
    "image": {"width": 12, "height": 12, "channels": 1},
    "pretrained": {"file": "base/model.bin"},
    "layers": [
        {"type": "dropout", "rate": 0.25}, {"type": "dense", "units": 3}, {"type": "batchnorm"}, {"type": "silu"},
        {"type": "dense", "units": 1}, {"type": "sigmoid"}
    ],
    "train": {"epochs": 4, "batch_size": 8, "learning_rate": 0.05, "optimizer": "adam", "calibrate": true, "seed": 3}
}
END

# values FILE: the numbers of a safetensors file, as bytes, in the order of its tensors.
values() {
    size=$(od -An -N8 -tu8 "$1" | tr -d ' ')
    tail -c "+$((size + 9))" "$1"
}

# compare_runs A B: the results of two runs are the same bytes.
compare_runs() {
    for file in model.bin last.bin predictions.csv; do
        expect_same "$1/$file" "$2/$file"
    done
    for dir in "$1" "$2"; do
        cut -d, -f1-3 "$dir/metrics.csv" >"$dir.metrics"
    done
    expect_same "$1.metrics" "$2.metrics"
}

# compare_predictions DIR FILE: FILE of the run DIR is what cnnpredict says.
compare_predictions() {
    tail -n +2 "$1/$2" | cut -d, -f1 >paths
    [ -s paths ] || fail "expected predictions in $1/$2"
    xargs "$CNNPREDICT" --format csv "$1/model.bin" <paths | tail -n +2 | cut -d, -f1,2,3 >by-model
    tail -n +2 "$1/$2" | cut -d, -f1,3,4 >by-run
    expect_same by-model by-run
}

# --- "none": weights of the file stay as they are; the model is complete, and predicts what was measured
run 0 "$CNNTRAIN" --config head.json --out none
expect_stderr '^base/model\.bin: 8 layers, [0-9]* parameters, not trained; features: 6 values$'
expect_stderr '^40 images decoded, now in the cache'
compare_predictions none predictions.csv
# of the base, all but the classifier: 6 weights and a bias
values base/model.bin | head -c -28 >wanted
values none/model.bin | head -c "$(wc -c <wanted)" >got
expect_same wanted got
run 0 "$CNNTRAIN" --config head.json -q --out tested data.test=test
compare_predictions tested test_predictions.csv
run 0 "$CNNTRAIN" --config head.json --out late pretrained.file=none/model.bin # a model that was made this way is a start, too
expect_stderr '^none/model\.bin: 12 layers, '
compare_predictions late predictions.csv
grep -q pretrained none/model.bin && fail "expected no key of pretrained in a model"
sed -n 's/.*"parameters":\([0-9]*\).*/\1/p' none/summary.json >summary-parameters
values none/model.bin | wc -c | awk '{ print $1 / 4 }' >model-parameters
expect_same model-parameters summary-parameters

# images one at a time
large="data.train=large/data image.width=48 image.height=40 image.channels=3 pretrained.file=large/base/model.bin"
# shellcheck disable=SC2086
run 0 "$CNNTRAIN" --config head.json --out large/none $large
compare_predictions large/none predictions.csv

# --- the cache: features are there; another base, other layers of it, or other changes of images are a miss
run 0 "$CNNTRAIN" --config head.json --out again
expect_stderr '^40 images from the cache'
compare_runs none again
for change in pretrained.file=another/model.bin augment.flip_horizontal=true pretrained.train=2; do
    run 0 "$CNNTRAIN" --config head.json --out miss --overwrite "$change"
    expect_stderr '^40 images decoded, now in the cache'
done
run 0 "$CNNTRAIN" --config head.json --out miss --overwrite pretrained.learning_rate_factor=1 layers.1.units=4
expect_stderr '^40 images from the cache'

# --- the same bytes, whatever computes them
for isa in generic avx2; do
    for threads in 1 3; do
        CNN_ISA=$isa
        export CNN_ISA
        name=$isa-$threads
        run 0 "$CNNTRAIN" --config head.json -q --no-cache --out "$name" --threads "$threads"
        compare_runs none "$name"
        # shellcheck disable=SC2086
        run 0 "$CNNTRAIN" --config head.json -q --no-cache --out "large/$name" --threads "$threads" $large
        compare_runs large/none "large/$name"
    done
done
unset CNN_ISA

# --- augmentation: variants, which epochs use in turn
augment="augment.flip_horizontal=true augment.shift=0.2 pretrained.variants=2"
# shellcheck disable=SC2086
run 0 "$CNNTRAIN" --config head.json --out flipped $augment
# shellcheck disable=SC2086
run 0 "$CNNTRAIN" --config head.json -q --no-cache --threads 1 --out flipped-1 $augment
compare_runs flipped flipped-1
compare_predictions flipped predictions.csv
cmp -s flipped/model.bin none/model.bin && fail "expected that augmentation changes the model"
# shellcheck disable=SC2086
run 0 "$CNNTRAIN" --config head.json --dry-run $augment
expect_in_stdout '^  features .* 40 of 72 bytes$' # the image and two variants, of 6 values
# images that are listed for testing, the last ones in the file, have no variants, and who they are is part of the key
XDG_CACHE_HOME=$work/listed
# shellcheck disable=SC2086
run 0 "$CNNTRAIN" --config head.json -q --out flipped-tested data.test=test $augment
compare_predictions flipped-tested test_predictions.csv
expect_same flipped/model.bin flipped-tested/model.bin
features() { tail -c "$((12 * 72))" listed/cnntrain/*.images; } # of the test images
i=0
while [ $i -lt 12 ]; do
    features | tail -c "+$((72 * i + 1))" | head -c 24 | tr -d '\0' | grep -q . || fail "expected features of test image $i"
    [ "$(features | tail -c "+$((72 * i + 25))" | head -c 48 | tr -d '\0' | wc -c)" -eq 0 ] || fail "expected no variants of test image $i"
    i=$((i + 1))
done
XDG_CACHE_HOME=$work/.cache
{ echo path,label,split && find "$work/other" -name '*.pgm' | sort | sed 's|.*/\([^/]*\)/[^/]*$|&,\1,train|'; } >listed.csv
# shellcheck disable=SC2086
run 0 "$CNNTRAIN" --config head.json -q --out miss --overwrite data.train=listed.csv $augment
sed '$s/train$/test/' listed.csv >changed.csv && mv changed.csv listed.csv
# shellcheck disable=SC2086
run 0 "$CNNTRAIN" --config head.json --out miss --overwrite data.train=listed.csv $augment
expect_stderr '^40 images decoded, now in the cache'

# --- resuming: after kill -9, the files of an undisturbed run; from another path, but not from another base
long="train.epochs=100 train.checkpoint_seconds=0.02"
# shellcheck disable=SC2086
run 0 "$CNNTRAIN" --config head.json -q --out whole $long
for wait_for in 0.05 0.1 0.2 0.3; do
    # shellcheck disable=SC2086
    "$CNNTRAIN" --config head.json -q --out killed --resume $long 2>/dev/null &
    background=$!
    sleep $wait_for
    kill -KILL $background 2>/dev/null
    wait $background 2>/dev/null
    background=
done
cp -r killed moved
# shellcheck disable=SC2086
run 0 "$CNNTRAIN" --config head.json -q --out killed --resume $long
compare_runs whole killed
cp base/model.bin copy.bin
# shellcheck disable=SC2086
run 0 "$CNNTRAIN" --config head.json -q --out moved --resume $long pretrained.file=copy.bin
compare_runs whole moved
cp another/model.bin copy.bin
run 0 "$CNNTRAIN" --config head.json -q --out short train.epochs=1
run 2 "$CNNTRAIN" --config head.json -q --out short --resume train.epochs=2 pretrained.file=copy.bin
expect_stderr 'short: cannot resume: pretrained\.file \(copy\.bin\) is not the network that the run was started from$'

# --- folds: features once for all; each fold's model predicts what was measured
run 0 "$CNNTRAIN" --config head.json --folds 2 --out folds
[ "$(grep -c '40 images \(decoded\|from the cache\)' stderr)" -eq 1 ] || fail "expected that images are read once"
for fold in 1 2; do
    compare_predictions folds/fold-$fold predictions.csv
done
tail -n +2 folds/predictions.csv | sort >all-images
{ sed '1d;s/$/,1/' folds/fold-1/predictions.csv && sed '1d;s/$/,2/' folds/fold-2/predictions.csv; } | sort >each
expect_same all-images each
cp another/model.bin folds/fold-2/model.bin
run 4 "$CNNTRAIN" --config head.json -q --folds 2 --gather --out folds
expect_stderr 'folds/fold-2/model\.bin: '

# --- looking
run 0 "$CNNTRAIN" --config head.json --dry-run
expect_in_stdout '^pretrained  base/model\.bin: 8 layers, .*, not trained; features: 6 values, [0-9]* FLOPs$'
expect_in_stdout '^1 +dense +3 +21 '
run 0 "$CNNTRAIN" --config head.json --check-gradients
expect_in_stdout '^passed$'
run 0 "$CNNTRAIN" --config head.json --check-gradients pretrained.train=all
expect_in_stdout '^0\.weight +conv '
expect_in_stdout '^passed$'
run 0 "$CNNTRAIN" --config head.json --trace
expect_in_stdout '^ *"X": '
run 0 "$CNNTRAIN" --config head.json --show-augmented 2 augment.flip_horizontal=true --out sheet
expect_file sheet/augmented.png

# --- "all", and the last layers
run 0 "$CNNTRAIN" --config head.json --out all pretrained.train=all
expect_stderr 'base/model\.bin: 8 layers, [0-9]* parameters, all trained$'
compare_predictions all predictions.csv
values all/model.bin | head -c "$(wc -c <wanted)" >got
cmp -s wanted got && fail "expected that the layers of the file are trained"
run 0 "$CNNTRAIN" --config head.json -q --out all-1 --threads 1 --no-cache pretrained.train=all
compare_runs all all-1
run 0 "$CNNTRAIN" --config head.json -q --out all-8 pretrained.train=8
compare_runs all all-8
for n in 2 3 4 5; do # with 3 to 5, features are not flat
    run 0 "$CNNTRAIN" --config head.json -q --out "last-$n" "pretrained.train=$n" train.weight_decay=0.1
    compare_predictions "last-$n" predictions.csv
    # frozen: all before dense (6 units that read 16 channels of 6 x 6) and, with 5, before the residual (its convolution's weights
    # and biases, and four values a channel)
    trained=$((6 * (576 + 1)))
    [ "$n" -lt 5 ] || trained=$((trained + 16 * 16 * 9 + 16 + 4 * 16))
    values "last-$n/model.bin" | head -c "$(($(wc -c <wanted) - 4 * trained))" >got
    head -c "$(wc -c <got)" wanted >same
    expect_same same got
    values "last-$n/model.bin" | head -c "$(($(wc -c <got) + 4))" >got
    cmp -s -n "$(wc -c <got)" wanted got && fail "expected that the last $n layers are trained"
done
run 0 "$CNNTRAIN" --config head.json -q --out zero pretrained.train=2 pretrained.learning_rate_factor=0 train.weight_decay=0.1
values zero/model.bin | head -c "$(wc -c <wanted)" >got
expect_same wanted got

# --- what does not fit
refused() { # refused CODE MESSAGE [KEY=VALUE...]
    code_wanted=$1
    message=$2
    shift 2
    run "$code_wanted" "$CNNTRAIN" --config "$config" -q --out no "$@"
    expect_stderr "$message"
    expect_one_message
    expect_no_file no/model.bin
}
config=head.json
of='as in pretrained\.file \(base/model\.bin\)'
refused 2 " image\\.width: expected 12, $of, got 13\$" image.width=13
refused 2 " image\\.channels: expected 1, $of, got 3\$" image.channels=3
refused 2 " image\\.range: expected \"full\", $of, got \"stretch\"\$" image.range=stretch
refused 2 " image\\.alpha: expected \"drop\", $of, got \"white\"\$" image.alpha=white
refused 2 ' image\.normalize: expected none, as mean and deviation are those of pretrained\.file \(base/model\.bin\), got "standardize"$' \
    image.normalize=standardize
refused 2 ' layers\[5\]\.type: expected sigmoid as the last layer, got relu$' layers.5.type=relu
refused 2 ' layers\[4\]\.units: expected 1 in the last dense layer, got 2$' layers.4.units=2
refused 2 ' pretrained\.train: expected at most 8, the layers of pretrained\.file \(base/model\.bin\) before its classifier, got 9$' \
    pretrained.train=9
refused 2 ' pretrained\.train: expected a number that does not separate batchnorm, layer 1 of the file, from the conv before it$' \
    pretrained.train=7
run 0 "$CNNTRAIN" --config head.json -q --out cropped image.resize=crop # this may differ
compare_predictions cropped predictions.csv
refused 4 ' missing\.bin: ' pretrained.file=missing.bin
head -c 3000 base/model.bin >cut.bin
refused 4 ' cut\.bin: ' pretrained.file=cut.bin
# a base that ends with dense, and a normalization, would become one layer in prediction
run 0 "$CNNTRAIN" --config cfg.json --quiet --out linear layers.7.type=dropout train.epochs=1
sed 's/{"type": "dropout", "rate": 0.25}/{"type": "batchnorm"}/' head.json >normalized.json
config=normalized.json
refused 2 ' layers\[0\]: expected another layer than batchnorm directly after dense, the last layer of pretrained\.file, unless' \
    pretrained.file=linear/model.bin
run 0 "$CNNTRAIN" --config normalized.json -q --out linear-all pretrained.file=linear/model.bin pretrained.train=2
compare_predictions linear-all predictions.csv
# mistakes that only the images or the run's directory show are found before features are computed: no file of the cache is made
early() { # early CODE MESSAGE OPTION...
    code_wanted=$1
    message=$2
    shift 2
    rm -rf empty
    XDG_CACHE_HOME=$work/empty run "$code_wanted" "$CNNTRAIN" --config head.json "$@"
    expect_stderr "$message"
    [ -z "$(find empty -name '*.images' 2>/dev/null)" ] || fail "expected that nothing was computed"
}
early 2 ' train\.calibrate true: expected validation images to choose it on, but data\.validation gives none$' --out no data.validation=0
early 2 ' train\.calibrate true: expected validation images to choose it on, but data\.validation gives none$' --dry-run data.validation=0
early 2 ' train\.calibrate true: expected validation images to choose it on, ' --folds 2 --out no data.validation=0
early 2 ' train\.early_stopping: expected validation images to choose the best epoch by, found none;' \
    --out no data.validation=0 train.calibrate=false train.early_stopping.patience=2
early 2 'short: cannot resume: pretrained\.file \(copy\.bin\) is not the network' \
    --out short --resume train.epochs=2 pretrained.file=copy.bin
{ echo path,label,split && find "$work/other" -name '*.pgm' | sed 's|.*/\([^/]*\)/[^/]*$|&,\1,train|' && echo "$work/test/right/00001.pgm,right,test"; } >one.csv
early 2 ' train\.calibrate true: expected validation images to choose it on, ' --out no data.train=one.csv data.validation=0
# layers that the features do not fit
sed 's/{"type": "dropout", "rate": 0.25}/{"type": "conv", "filters": 2, "kernel": 3}/' head.json >conv.json
config=conv.json
refused 2 ' layers\[0\]\.'

# --- a base whose images were stretched: its ends are used
make_deep_data deep 24
run 0 "$CNNTRAIN" --config cfg.json -q --out deep-base data.train=deep image.range=stretch train.epochs=1
run 0 "$CNNTRAIN" --config head.json -q --out deep-none image.range=stretch pretrained.file=deep-base/model.bin
compare_predictions deep-none predictions.csv
for dir in deep-base deep-none; do
    grep -ao 'range\\":\[[0-9,]*\]' "$dir/model.bin" >"$dir.range" || fail "expected ends in $dir/model.bin"
done
expect_same deep-base.range deep-none.range

finish
