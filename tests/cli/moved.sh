# shellcheck shell=sh disable=SC1091,SC2086,SC2154
# A run continues when its images are at another path: content decides. The result has the same bytes.
. "$SOURCE/tests/cli/lib.sh"

make_data data 40
make_data more 10 2
write_config cfg.json
keys="data.test=more train.epochs=4 augment.flip_horizontal=true augment.noise=0.1 image.normalize=standardize"

run 0 "$CNNTRAIN" -c cfg.json $keys -q -o whole

# start NAME [KEY=VALUE ...]: trains the first half of the run in NAME
start() {
    name=$1
    shift
        run 0 "$CNNTRAIN" -c cfg.json $keys -q -o "$name" train.epochs=2 "$@"
}
# expect_rest NAME: the models are those of the run that was never interrupted
expect_rest() {
    expect_same whole/model.bin "$1/model.bin"
    expect_same whole/last.bin "$1/last.bin"
    cut -d, -f2- whole/predictions.csv >wanted-predictions
    cut -d, -f2- "$1/predictions.csv" >predictions
    expect_same wanted-predictions predictions
    cut -d, -f2- whole/test_predictions.csv >wanted-predictions
    cut -d, -f2- "$1/test_predictions.csv" >predictions
    expect_same wanted-predictions predictions
    cut -d, -f2- whole/split.csv >wanted-split
    cut -d, -f2- "$1/split.csv" >split-now
    expect_same wanted-split split-now
}

# other folders
start moved
mkdir -p elsewhere
cp -r data elsewhere/images
cp -r more elsewhere/tests
run 0 "$CNNTRAIN" -c cfg.json $keys -q -o moved --resume data.train="$work/elsewhere/images" data.test=elsewhere/tests
expect_rest moved
grep -q "^$work/elsewhere/images/left/" moved/split.csv || fail "expected the new paths in split.csv"
grep -q '^elsewhere/tests/right/.*,test,' moved/split.csv || fail "expected the new paths in split.csv"
grep -q '^data/' moved/split.csv && fail "expected no old path in split.csv"
grep -q "^$work/elsewhere/images/" moved/predictions.csv || fail "expected the new paths in predictions.csv"
grep -q "^elsewhere/tests/right/" moved/test_predictions.csv || fail "expected the new paths in test_predictions.csv"
grep -q '"train":.*elsewhere/images' moved/config.json || fail "expected the new path in config.json"
grep -q '"output"' moved/config.json || fail "expected a whole config.json"

# other names, which sort in another order; a copy of an image replaces the image
start renamed
mkdir -p renamed-data/left renamed-data/right
i=1000
for file in $(find data -name '*.p?m' | sort); do
    i=$((i - 7))
    cp "$file" "renamed-data/$(basename "$(dirname "$file")")/n$((i % 97))-$i.pgm"
done
run 0 "$CNNTRAIN" -c cfg.json $keys -q -o renamed --resume data.train=renamed-data
expect_rest renamed
grep -q '^renamed-data/left/' renamed/split.csv || fail "expected the new paths in split.csv"
# its split.csv contains the current order: once more
run 0 "$CNNTRAIN" -c cfg.json $keys -q -o renamed --resume train.epochs=5
run 0 "$CNNTRAIN" -c cfg.json $keys -q -o whole5 train.epochs=5
expect_same whole5/model.bin renamed/model.bin

# from the middle of an epoch
run 0 "$CNNTRAIN" -c cfg.json $keys -q -o cut --max-seconds 0.000001
run 0 "$CNNTRAIN" -c cfg.json $keys -q -o cut --resume data.train=renamed-data
expect_rest cut

# a manifest instead of the folder, in another order
start manifest
{
    echo path,label
    find data -name '*.p?m' | sort -r | sed 's|data/\(.*\)/\(.*\)|data/\1/\2,\1|'
} >list.csv
run 0 "$CNNTRAIN" -c cfg.json $keys -q -o manifest --resume data.train=list.csv
expect_rest manifest

# other images are refused, and nothing is changed
start changed
cp -r changed before
cp -r data fewer
file=$(find fewer/left -name '*.p?m' | sort | sed -n 2p)
rm "$file"
run 2 "$CNNTRAIN" -c cfg.json $keys -q -o changed --resume data.train=fewer
expect_one_message
expect_stderr "changed: cannot resume: the images have changed since the run was started: \"data/left/.*,left,.*\" then, no such image now"
cp -r data additional
cp "$(find more/left -name '*.p?m' | sort | sed -n 1p)" additional/left/zz.pgm
run 2 "$CNNTRAIN" -c cfg.json $keys -q -o changed --resume data.train=additional
expect_stderr 'no such image then, "additional/left/zz.pgm,left,.*" now|"more/left/.*,left,test.*" then, '
run 2 "$CNNTRAIN" -c cfg.json $keys -q -o changed --resume data.train=additional data.duplicates=allow
expect_stderr 'no such image then, "additional/left/zz.pgm,left,.*" now'
rm -rf additional
cp -r data additional
make_data other 4 9
cp "$(find other/left -name '*.p?m' | sort | sed -n 1p)" additional/left/zz.pgm
run 2 "$CNNTRAIN" -c cfg.json $keys -q -o changed --resume data.train=additional
expect_stderr 'no such image then, "additional/left/zz.pgm,left,.*" now'
# a label
cp -r data relabelled
mv "$(find relabelled/left -name '*.p?m' | sort | sed -n 1p)" relabelled/right/zz.pgm
run 2 "$CNNTRAIN" -c cfg.json $keys -q -o changed --resume data.train=relabelled
expect_stderr '"data/left/.*,left,.*" then, "relabelled/right/zz.pgm,right,.*" now'
# a share instead of a folder is another key
run 2 "$CNNTRAIN" -c cfg.json $keys -q -o changed --resume data.validation=more
expect_stderr 'data.validation: 0.25, now "more"'
# a table that is not the run's
for file in config.json split.csv metrics.csv model.bin checkpoint.bin; do expect_same "before/$file" "changed/$file"; done
sed '5s/,train,/,test,/' before/split.csv >changed/split.csv
run 2 "$CNNTRAIN" -c cfg.json $keys -q -o changed --resume data.train=renamed-data
expect_stderr 'the images have changed since the run was started: "data/'
echo 'path,label' >changed/split.csv
run 2 "$CNNTRAIN" -c cfg.json $keys -q -o changed --resume data.train=renamed-data
expect_stderr 'the images have changed since the run was started: no such image then'
rm changed/split.csv
run 1 "$CNNTRAIN" -c cfg.json $keys -q -o changed --resume data.train=renamed-data
expect_stderr 'split.csv: No such file'
# if the order is the same, the table is not needed, and is written again
run 0 "$CNNTRAIN" -c cfg.json $keys -q -o changed --resume
expect_rest changed

# folds
run 0 "$CNNTRAIN" -c cfg.json -q -o folds-whole --folds 3
run 0 "$CNNTRAIN" -c cfg.json -q -o folds --folds 3
rm folds/summary.json folds/fold-2/summary.json folds/fold-3/checkpoint.bin
run 0 "$CNNTRAIN" -c cfg.json -q -o folds --folds 3 --resume data.train=renamed-data
expect_same folds-whole/folds.csv folds/folds.csv
expect_same folds-whole/summary.json folds/summary.json
for fold in 1 2 3; do expect_same "folds-whole/fold-$fold/model.bin" "folds/fold-$fold/model.bin"; done
cut -d, -f2- folds-whole/predictions.csv >wanted-predictions
cut -d, -f2- folds/predictions.csv >predictions
expect_same wanted-predictions predictions
grep -q '^renamed-data/' folds/predictions.csv || fail "expected the new paths in predictions.csv"
grep -q '^[123],renamed-data/' folds/split.csv || fail "expected the new paths in split.csv"
rm folds/summary.json
run 2 "$CNNTRAIN" -c cfg.json -q -o folds --folds 3 --resume data.train=fewer
expect_stderr 'cannot resume: --folds or the images have changed .*then, .* now'
# a config.json that is not JSON is reported as damaged, not as a lack of memory
echo '{"data"' >folds/config.json
run 2 "$CNNTRAIN" -c cfg.json -q -o folds --folds 3 --resume
expect_stderr 'folds/config.json: cannot resume: damaged: expected the config of the run as JSON'

finish
