# shellcheck shell=sh disable=SC1091,SC2034,SC2154
# Broken configs and overrides: exit code 2, one line that names the place and what was found.
. "$SOURCE/tests/cli/lib.sh"
make_data data 16
write_config cfg.json

# Overrides of a good config: PATTERN|OVERRIDE
cases=0
while IFS='|' read -r pattern override; do
    cases=$((cases + 1))
    run 2 "$CNNTRAIN" --config cfg.json --dry-run "$override"
    expect_stdout ""
    expect_one_message
    expect_stderr "^cnntrain: command line: .*$pattern"
done <<'END'
train\.epochs: expected an integer from 0 to 1000000, got -1|train.epochs=-1
train\.epochs: expected an integer .*got 1.5|train.epochs=1.5
train\.epochs: expected an integer .*got "ten"|train.epochs=ten
train\.epochs: expected an integer .*got "NaN"|train.epochs=NaN
train\.epochs: expected an integer .*got null|train.epochs=null
train\.epochs: expected an integer .*got ""|train.epochs=
train\.batch_size: expected an integer from 1 to 65536, got 0|train.batch_size=0
train\.learning_rate: expected a number above 0 .*got 0|train.learning_rate=0
train\.learning_rate: expected a number .*got "inf"|train.learning_rate=inf
train\.learning_rate: expected a number |train.learning_rate=1e999
train\.learning_rate: expected a number .*got true|train.learning_rate=true
train\.momentum: expected a number from 0 to 1, got 1.01|train.momentum=1.01
train\.optimizer: .*got "SGD"|train.optimizer=SGD
train\.shuffle: expected true or false, got 1|train.shuffle=1
train\.seed: expected an integer .*got -3|train.seed=-3
train: unknown key "epoch"; did you mean "epochs"\?|train.epoch=3
train: unknown key "Epochs"; did you mean "epochs"\?|train.Epochs=3
unknown key "trian"; did you mean "train"\?|trian.epochs=3
data\.validation: .*got 1|data.validation=1
data\.validation: .*got -0.5|data.validation=-0.5
data\.train: expected a path, got ""|data.train=""
data\.classes: |data.classes=["a"]
data\.classes: |data.classes=["a","a"]
data\.classes: |data.classes=[1,2]
data\.bad_images: .*got "ignore"|data.bad_images=ignore
image\.width: .*from 1 to 4096, got 0|image.width=0
image\.height: .*from 1 to 4096, got 4097|image.height=4097
image\.channels: expected 1 or 3, got 2|image.channels=2
image\.channels: .*got 4|image.channels=4
image\.resize: .*got "fit"|image.resize=fit
image: expected an object|image=3
layers: expected a list of 1 to 1024 layers, got a list of 0|layers=[]
layers\[0\]: unknown key "filter"; did you mean "filters"\?|layers.0.filter=3
layers\[0\]\.kernel: expected an integer from 1 to 31, got 0|layers.0.kernel=0
layers\[0\]\.type: unknown layer "conf"; did you mean "conv"\?|layers.0.type=conf
layers\[0\]\.padding: .*got "full"|layers.0.padding=full
layers\[0\]\.padding: .*got -1|layers.0.padding=-1
layers\[0\]: expected an object|layers.0=relu
layers\[0\]|layers.0.kernel=13
layers\[4\]|layers.4.units=2
layers\[2\]\.size: |layers.2.size=0
there is no "layers\[9\]"|layers.9.units=1
nothing inside "train\.epochs"|train.epochs.x=1
unknown key "epochs"; did you mean train\.epochs=3\?$|epochs=3
unknown key "epochs"; did you mean train\.epochs=3\?$|data.epochs=3
unknown key "learning_rate"; did you mean train\.learning_rate=0\.1\?$|learning_rate=0.1
unknown key "learnin_rate"; did you mean train\.learning_rate=0\.1\?$|learnin_rate=0.1
unknown key "lr"; did you mean train\.learning_rate=0\.1\?$|lr=0.1
train: unknown key "lr"; did you mean train\.learning_rate=0\.1\?$|train.lr=0.1
unknown key "patience"; did you mean train\.early_stopping\.patience=5\?$|patience=5
unknown key "batch-size"; did you mean train\.batch_size=4\?$|batch-size=4
unknown key "smoothing"; did you mean train\.early_stopping\.smoothing=0\.5\?$|train.smoothing=0.5
image: unknown key "size"; did you mean image\.width=28\?$|image.size=28
unknown key "epochs"; did you mean "train\.epochs"\?$|epochs.x=3
layers\[0\]: unknown key "epochs"; expected |layers.0.epochs=3
unknown key "nothing_like_it"; expected data, |nothing_like_it=1
expected KEY=VALUE, got "epochs"; did you mean train\.epochs=VALUE\?$|epochs
expected KEY=VALUE, got "train\.lr"; did you mean train\.learning_rate=VALUE\?$|train.lr
expected KEY=VALUE, got "photo"$|photo
expected KEY=VALUE.*, got "=3"|=3
expected a key such as|train..epochs=3
expected a key such as|train.=3
END
[ "$cases" -gt 40 ] || fail "expected more than 40 overrides, ran $cases"

# Whole files: PATTERN|TEXT, where @ is replaced by valid keys.
image='"image": {"width": 12, "height": 12, "channels": 1}'
layers='"layers": [{"type": "flatten"}, {"type": "dense", "units": 1}, {"type": "sigmoid"}]'
data='"data": {"train": "data"}'
cases=0
while IFS='|' read -r pattern text; do
    cases=$((cases + 1))
    printf '%s\n' "$text" | sed "s/@image/$image/g; s/@layers/$layers/g; s/@data/$data/g" >broken.json
    run 2 "$CNNTRAIN" --config broken.json --dry-run
    expect_stdout ""
    expect_one_message
    expect_stderr "^cnntrain: broken.json: $pattern"
done <<'END'
line 1: expected valid JSON, found the end of the file|
line 1: .*found the end of the file|{@data, @image
line 1, column [0-9]+: .*after a comma|{@data, @image, @layers, }
line 1, column|{@data; @image, @layers}
line 1, column|{@data, @image, @layers} more
expected a JSON object|[1, 2]
expected a JSON object|"text"
.*|{'data': 1}
data\.train: missing|{@image, @layers}
data\.train: missing|{"data": {}, @image, @layers}
image\.width: missing|{@data, @layers}
layers: missing|{@data, @image}
key "data" is given twice|{@data, @data, @image, @layers}
data: key "train" is given twice|{"data": {"train": "a", "train": "b"}, @image, @layers}
layers\[0\]: key "type" is given twice|{@data, @image, "layers": [{"type": "flatten", "type": "relu"}]}
layers\[0\]\.type: missing|{@data, @image, "layers": [{}]}
layers\[0\]\.filters: missing|{@data, @image, "layers": [{"type": "conv", "kernel": 3}]}
layers: expected a list|{@data, @image, "layers": {"type": "conv"}}
layers\[[0-9]\]|{@data, @image, "layers": [{"type": "flatten"}, {"type": "dense", "units": 1}]}
layers\[0\]|{@data, @image, "layers": [{"type": "dense", "units": 1}, {"type": "sigmoid"}]}
layers\[[01]\]|{@data, @image, "layers": [{"type": "sigmoid"}, {"type": "relu"}]}
train: unknown key "lr"; did you mean "learning_rate"|{@data, @image, @layers, "train": {"lr": 1}}
unknown key "epochs"; did you mean "train.epochs"|{@data, @image, @layers, "epochs": 3}
train: expected an object|{@data, @image, @layers, "train": []}
unknown key "outptu"; did you mean "output"|{@data, @image, @layers, "outptu": "x"}
train\.learning_rate: |{@data, @image, @layers, "train": {"learning_rate": "0.1"}}
line 1, column|{@data, @image, @layers, "train": {"learning_rate": NaN}}
END
[ "$cases" -gt 20 ] || fail "expected more than 20 files, ran $cases"

# a second line is counted
printf '{\n  "data": {"train": "data"},\n  oops\n}\n' >broken.json
run 2 "$CNNTRAIN" --config broken.json --dry-run
expect_stderr '^cnntrain: broken.json: line 3, column 3: '

# no file, a folder, no output
run 2 "$CNNTRAIN" --config missing.json
expect_stderr '^cnntrain: missing.json: '
run 2 "$CNNTRAIN" --config data
expect_stderr '^cnntrain: data: '
sed 's/"output": "out"/"output2": "out"/; /"output2"/d; s/"seed": 1},/"seed": 1}/' cfg.json >no-output.json
run 2 "$CNNTRAIN" --config no-output.json
expect_stderr '^cnntrain: (no-output.json: )?output: missing'
run 0 "$CNNTRAIN" --config no-output.json --dry-run

# an override can correct the file; the last one counts; strings need no quotes
sed 's/"epochs": 2/"epochs": -2/' cfg.json >mended.json
run 2 "$CNNTRAIN" --config mended.json --dry-run
expect_stderr '^cnntrain: mended.json: train\.epochs: expected an integer from 0 to 1000000, got -2'
run 0 "$CNNTRAIN" --config mended.json --dry-run train.epochs=4
expect_in_stdout '^4 epochs'
run 0 "$CNNTRAIN" --config cfg.json --dry-run train.epochs=4 train.epochs=7 layers.0.filters=3
expect_in_stdout '^7 epochs'
expect_in_stdout 'filters 3'
run 0 "$CNNTRAIN" --config cfg.json --dry-run data.train=data 'data.classes=["right","left"]'

finish
