# shellcheck shell=sh disable=SC1091,SC2034,SC2154
# --init: a config for the images in a folder, which trains without changes.
. "$SOURCE/tests/cli/lib.sh"

# key PATTERN: the config on stdout has this line; white space does not count.
key() {
    tr -d ' \t' <stdout | tr '\n' ' ' | grep -Eq -e "$1" || fail "expected in the config: $1"
}

# --- grey and small: the size stays, and the config trains
make_data small 40
run 0 "$CNNTRAIN" --init small/
cp stdout small.json
expect_stderr '^train: 40 images: 20 "left" \(class 0\), 20 "right" \(class 1\)$'
expect_stderr '^median size 12×12, sides of 12 to 12 pixels; 0 of 40 images in colour$'
expect_stderr '^time: about [0-9]+ seconds on two cores: 150 epochs × 34 images × '
key '"train":"small/"' && key '"validation":0\.15,'
key '"width":12, "height":12, "channels":1,'
key '"filters":32,.*"filters":64,.*"type":"residual", "layers":\[.*"filters":128,.*"type":"residual".*"type":"global_avgpool"'
key '"cutout":0\.25,'
key '"pos_weight":1,' && key '"bad_images":"fail", "duplicates":"drop"'
key '"output":"runs/small" }'
expect_no_file runs
[ "$(tail -c 1 stdout | wc -l)" -eq 1 ] || fail "expected a newline at the end"
# all 150 epochs take half a minute
epochs=5
set -- train.epochs=$epochs
[ -z "$soak" ] || { epochs=150 && set --; }
run 0 "$CNNTRAIN" --config small.json --quiet --threads 1 "$@"
expect_file runs/small/model.bin
grep -q "\"epochs\":$epochs,.*\"model_epoch\":$epochs,.*\"validation\":{\"images\":6," runs/small/summary.json ||
    fail "expected the last of $epochs epochs to be kept"
# these classes are left and right: mirrored images would have the wrong label
run 0 "$CNNTRAIN" --config small.json --quiet --threads 1 --out runs/sides train.epochs=20 augment.flip_horizontal=false
grep -Eq '"validation":\{"images":6,[^}]*"accuracy":1,' runs/sides/summary.json ||
    fail "expected all of six images held back to be told apart"
run 0 "$CNNTRAIN" --init small --quiet --out elsewhere --threads 3
expect_no_stderr
key '"output":"elsewhere" }'
sed 's/elsewhere/runs\/small/; s/small"/small\/"/; s/runs\/small\//runs\/small/' stdout >other.json
expect_same small.json other.json

# --- colour, of many sizes; one is broken, one is a copy with the other label
"$MAKE_IMAGES" photos 4 150 100 3 1
"$MAKE_IMAGES" more 4 300 400 3 2
"$MAKE_IMAGES" tiny 2 30 30 3 3
for class in left right; do
    for image in more/$class/*; do cp "$image" "photos/$class/more$(basename "$image")"; done
    for image in tiny/$class/*; do cp "$image" "photos/$class/tiny$(basename "$image")"; done
done
head -c 100 photos/left/00000.ppm >photos/left/broken.ppm
run 0 "$CNNTRAIN" --init photos
expect_stderr '^cnntrain: photos/left/broken\.ppm: the PNM file is cut short: expected 45000 bytes'
expect_stderr '1 unreadable images: the config skips them'
expect_stderr '^median size 150×100, sides of 30 to 400 pixels; 10 of 10 images in colour$'
key '"bad_images":"skip", "duplicates":"drop"'
key '"width":192, "height":192, "channels":3,'
key '"filters":16, "kernel":5, "stride":2,' && key '"saturation":0\.2,'
cp stdout photos.json
run 0 "$CNNTRAIN" --config photos.json train.epochs=1 --quiet --threads 1
cp photos/left/00000.ppm photos/right/copy.ppm
run 0 "$CNNTRAIN" --init photos
expect_stderr '2 images have copies with the other label: training leaves them out'
expect_stderr '^train: 9 images: 4 "left" \(class 0\), 5 "right"'
key '"duplicates":"drop"'
cp stdout photos.json
run 0 "$CNNTRAIN" --config photos.json train.epochs=0 --quiet --overwrite

# --- already split, unbalanced, a class that is called train
mkdir whole
make_data whole/train 40
make_data whole/test 8 2
make_data whole/val 8 3
i=0
for image in whole/train/right/*; do
    i=$((i + 1))
    [ $i -le 5 ] || rm "$image"
done
run 0 "$CNNTRAIN" --init whole
expect_stderr '^train: 25 images: 20 "left" \(class 0\), 5 "right"'
expect_stderr '^validation: 8 images' && expect_stderr '^test: 8 images'
key '"train":"whole/train", "validation":"whole/val", "test":"whole/test"'
key '"pos_weight":"balanced"' && key '"output":"runs/whole"'
cp stdout whole.json
run 0 "$CNNTRAIN" --config whole.json train.epochs=2 --quiet
expect_file runs/whole/model.bin
mv whole/val whole/validation
run 0 "$CNNTRAIN" --init whole && key '"validation":"whole/validation"'
mv whole/validation whole/valid
mv whole/test whole/Testing
run 0 "$CNNTRAIN" --init whole/
expect_stderr '^validation: 8 images' && expect_stderr '^test: 8 images'
key '"train":"whole/train", "validation":"whole/valid", "test":"whole/Testing"'
cp stdout spelled.json
run 0 "$CNNTRAIN" --config spelled.json train.epochs=2 --quiet --out runs/spelled
# the folder that contains the splits gives the same images
run 0 "$CNNTRAIN" --config spelled.json train.epochs=2 --quiet --out runs/folder \
    'data={"train": "whole", "classes": ["left", "right"]}'
expect_same runs/spelled/model.bin runs/folder/model.bin
expect_same runs/spelled/split.csv runs/folder/split.csv
run 0 "$CNNTRAIN" --config spelled.json 'data={"train": "whole"}' --dry-run
expect_in_stdout 'validation  *8  *4  *4'
mkdir whole/notes
run 0 "$CNNTRAIN" --init whole
expect_stderr '^(.*: )?whole/notes: not used: it has no class folders$'
mv whole/Testing whole/holdout
run 3 "$CNNTRAIN" --init whole
expect_stderr 'whole/holdout: expected the name of a split'
mv whole/holdout whole/test
cp whole/train/left/00002.pgm whole/test/left/copy.pgm
run 0 "$CNNTRAIN" --init whole
expect_stderr '^(.*: )?1 images have copies in an earlier split: training leaves them out'
expect_stderr '^test: 8 images: 4 "left"'
mkdir stations
cp -r small/left stations/train
cp -r small/right stations/test
run 0 "$CNNTRAIN" --init stations && key '"classes":\["test","train"\]'
mkdir unnamed
cp -r small unnamed/one
cp -r small unnamed/two
run 3 "$CNNTRAIN" --init unnamed
expect_stderr 'unnamed: expected class folders, found "one" and "two" with the same folders in them'

# --- a manifest with its own splits
{
    echo path,label,split
    for image in small/*/0000[0-3]*; do echo "$image,$(basename "$(dirname "$image")"),train"; done
    for image in small/*/0000[4-7]*; do echo "$image,$(basename "$(dirname "$image")"),test"; done
} >rows.csv
run 0 "$CNNTRAIN" --init rows.csv
expect_stderr '^train: 4 images' && expect_stderr '^test: 4 images'
key '"train":"rows.csv"' && key '"output":"runs/rows"'
tr , '\t' <rows.csv >rows.tsv
run 0 "$CNNTRAIN" --init rows.tsv
key '"train":"rows.tsv"' && key '"output":"runs/rows"'
(cd small && run 0 "$CNNTRAIN" --init . && cp "$work/stdout" "$work/here")
cp here stdout
key '"train":"\."' && key '"output":"runs/mine"'

# --- two of three classes, from folders, splits, and a manifest; other values of the config
mkdir many many/train
for class in left right; do cp -r small/$class many/train/$class; done
mkdir many/train/up
cp small/left/0000[0-3]* many/train/up
make_data fresh 8 5
cp -r fresh many/test
cp -r fresh/left many/test/up
mkdir three
cp -r many/train/* three
run 3 "$CNNTRAIN" --init three
expect_stderr '^cnntrain: three: expected two class folders, found 3: "left", "right", "up"; choose two with data\.classes, such as data\.classes=.\["left","right"\].$'
for images in three many; do
    run 0 "$CNNTRAIN" --init $images 'data.classes=["up", "right"]' train.epochs=3 layers.0.filters=4 train.seed=7
    expect_stderr '^train: 22 images: 2 "up" \(class 0\), 20 "right" \(class 1\)$'
    expect_stderr 'left( and 1 more folders)?: not used: the classes are "up" and "right"$'
    expect_stderr '^time: about [0-9]+ seconds on two cores: 3 epochs × 19 images × '
    key '"classes":\["up","right"\],' && key '"epochs":3,' && key '"seed":7,' && key '"filters":4,.*"filters":64,'
    cp stdout $images.json
    run 0 "$CNNTRAIN" --config $images.json --quiet --threads 1
done
{
    echo path,label
    for image in three/*/*; do echo "$image,$(basename "$(dirname "$image")")"; done
} >three.csv
run 0 "$CNNTRAIN" --init three.csv 'data.classes=["up", "right"]' data.test=many/test data.validation=0.25 output=elsewhere
expect_stderr '^train: 22 images: 2 "up" \(class 0\), 20 "right"' && expect_stderr '^test: 8 images: 4 "up"'
expect_stderr '^20 images of other classes are left out$'
key '"test":"many/test"' && key '"validation":0\.25,' && key '"output":"elsewhere"'

# --- refusals: one line, nothing on stdout
refuses() {
    code=$1
    pattern=$2
    shift 2
    run "$code" "$CNNTRAIN" --init "$@"
    expect_stdout ""
    expect_one_message
    expect_stderr "$pattern"
}
mkdir -p one/left abc/a abc/b abc/c bare empty/a empty/b junk/a junk/b lone/a lone/b
cp small/left/* one/left
cp small/left/* lone/a
echo none >file
refuses 3 'one: expected two class folders, found 1: "left"$' one
refuses 3 'abc: expected two class folders, found 3: "a", "b", "c"' abc
refuses 3 'bare: expected two class folders, found 0$' bare
refuses 3 'empty: expected images, found none$' empty
refuses 3 'lone: expected images of both classes to train on, found none of "b"$' lone
refuses 3 'missing: .* found nothing$' missing
refuses 3 'file: .* found another file$' file
cp file junk/a
cp file junk/b
refuses 3 'junk: expected images, found 2 unreadable files$' junk --quiet
refuses 2 '--init: expected a path, got ""$' ''
refuses 2 '--init: expected a path in UTF-8' "$(printf 'a\351')"
refuses 2 '--init: expected no --config with it, got cfg.json$' small --config cfg.json
refuses 2 '--init and --dry-run' small --dry-run
refuses 2 'command line: data\.train=x: expected --init DIR instead' small data.train=x
refuses 2 'command line: pretrained=7: expected --pretrained FILE instead' small pretrained=7
refuses 2 'command line: pretrained\.file=x: expected --pretrained FILE instead' small pretrained.file=x
refuses 2 'command line: train\.minutes=2: expected --minutes M instead' small train.minutes=2
refuses 2 'command line: data\.classes: expected two different names in quotes, .*, got "a,b"$' three data.classes=a,b
refuses 2 'command line: data: unknown key "clases"; did you mean "classes"' missing data.clases=a
refuses 2 'command line: train: unknown key "epoch"; did you mean "epochs"' missing train.epoch=3
refuses 2 'command line: layers\.99\.filters=3: there is no "layers\[99\]"$' small layers.99.filters=3 --quiet
refuses 3 'three: expected a folder for the class "down"|three/down: expected a folder' three 'data.classes=["up","down"]'
if [ "$(id -u)" -ne 0 ]; then
    chmod 0 one/left
    mkdir one/right
    refuses 3 'one/left: ' one
fi
refuses 2 'expected no --folds with it' small --folds 3

finish
