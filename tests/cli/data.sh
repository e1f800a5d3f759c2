# shellcheck shell=sh disable=SC1091,SC2034,SC2154
# Data that cannot be used: exit code 3, and every bad file by name.
. "$SOURCE/tests/cli/lib.sh"
make_data data 40
write_config cfg.json

# refuses PATTERN OVERRIDE...
refuses() {
    pattern=$1
    shift
    run 3 "$CNNTRAIN" --config cfg.json "$@"
    expect_stdout ""
    expect_stderr "$pattern"
    expect_no_file out
}

refuses '^cnntrain: missing: ' data.train=missing
refuses '^cnntrain: missing.csv: ' data.train=missing.csv
refuses '^cnntrain: cfg.json: ' data.train=cfg.json
refuses 'missing' data.test=missing
refuses 'missing' data.validation=missing

mkdir empty one three two-empty
refuses '^cnntrain: empty: expected two class folders, found 0' data.train=empty
cp -R data/left one/left
refuses '^cnntrain: one: expected two class folders, found 1: "left"' data.train=one
cp -R data/left data/right three
cp -R data/left three/middle
refuses 'three: expected two class folders, found 3: "left", "middle", "right"; choose two with data\.classes' \
    data.train=three
run 0 "$CNNTRAIN" --config cfg.json data.train=three 'data.classes=["left","right"]' --dry-run
expect_stderr '^three/middle: not used: the classes are "left" and "right"$'
mkdir three/up three/up/left
run 0 "$CNNTRAIN" --config cfg.json data.train=three/ 'data.classes=["left","right"]' --dry-run
expect_stderr '^three/middle and 1 more folders: not used: the classes are "left" and "right"$'
# a class may be a folder in a folder
cp data/left/*.pgm three/up/left
run 0 "$CNNTRAIN" --config cfg.json data.train=three 'data.classes=["right","up/left"]' --dry-run
expect_stderr '^three/left and 1 more folders: not used'
# in one of several splits
mkdir splits
cp -R data splits/train
cp -R three splits/test
rm -r splits/test/up
run 0 "$CNNTRAIN" --config cfg.json data.train=splits data.duplicates=allow --dry-run
expect_stderr '^splits/test/middle: not used'
mkdir two-empty/left two-empty/right
refuses '^cnntrain: two-empty: expected images, found none' data.train=two-empty
cp data/left/00000.pgm two-empty/left
refuses 'two-empty: .*found none of "right"' data.train=two-empty data.validation=0
refuses '"up"' 'data.classes=["left","up"]'
mkdir other-names
cp -R data/left other-names/top
cp -R data/right other-names/bottom
refuses 'other-names' data.test=other-names

# bad images: text, an empty file, a truncated image
cp -R data bad
echo "no picture" >bad/left/notes.pgm
: >bad/right/empty.pgm
head -c 30 data/right/00001.pgm >bad/right/short.pgm
refuses '3 of 43 images cannot be read.*data\.bad_images' data.train=bad
for name in bad/left/notes.pgm bad/right/empty.pgm bad/right/short.pgm; do
    expect_stderr "^cnntrain: $name: ."
done
run 3 "$CNNTRAIN" --config cfg.json data.train=bad --quiet
expect_stderr '^cnntrain: bad/left/notes.pgm: .'
run 0 "$CNNTRAIN" --config cfg.json data.train=bad data.bad_images=skip
for name in bad/left/notes.pgm bad/right/empty.pgm bad/right/short.pgm; do
    expect_stderr "^cnntrain: $name: ."
done
expect_stderr '3 unreadable images skipped'
grep -q '"bad_images":3' out/summary.json || fail "expected the bad images in summary.json"
run 0 "$CNNTRAIN" --config cfg.json --out good --quiet
# without them, the run is the same as on the good images only
cut -d, -f2-3 good/split.csv >good-labels
cut -d, -f2-3 out/split.csv >skipped-labels
expect_same good-labels skipped-labels
expect_same good/model.bin out/model.bin
rm -r out
refuses 'cannot be read' data.train=bad data.bad_images=fail --dry-run
mkdir all-bad all-bad/left all-bad/right
echo no >all-bad/left/a.pgm
echo no >all-bad/right/b.pgm
refuses 'all-bad' data.train=all-bad data.bad_images=skip

# a manifest, a folder and classes in another Unicode normalization form than the names on disk
e=$(printf '\303\251')
e_and_accent=$(printf 'e\314\201')
mkdir "$e_and_accent"
mv three/left "$e_and_accent/l$e_and_accent"
mv three/right "$e_and_accent/r$e"
for image in "$e_and_accent"/*/*.pgm; do
    mv "$image" "${image%.pgm}$e_and_accent.pgm"
done
{
    echo path,label
    (cd "$e_and_accent" && find . -name '*.pgm') | sort | sed "s/$e_and_accent/$e/g; s|^\./\(.\).*|&,\1|"
} >composed.csv
sed -i "2,\$s,^\./,$e/," composed.csv
run 0 "$CNNTRAIN" --config cfg.json data.train=composed.csv --dry-run --verbose
expect_stderr '^paths that are on disk in another Unicode normalization form than in the manifest: 40$'
run 0 "$CNNTRAIN" --config cfg.json data.train=composed.csv -q --out composed
expect_no_stderr
run 0 "$CNNEVAL" composed/model.bin composed.csv
expect_no_stderr
expect_in_stdout '^.*40 images'
run 0 "$CNNTRAIN" --config cfg.json data.train="$e" data.classes="[\"l$e\",\"r$e_and_accent\"]" --dry-run
# the copies have the content, and so the split, of the files that they were made of
run 0 "$CNNTRAIN" --config cfg.json data.train=data -q --out plain
cut -d, -f2- plain/split.csv | sed 's/left/l/; s/right/r/' | sort >wanted
cut -d, -f2- composed/split.csv | sort >found
expect_same wanted found

# a test set is evaluated once, after training
make_data test 20 2
run 0 "$CNNTRAIN" --config cfg.json data.test=test
expect_stderr 'test, 20 images$'
expect_stderr '^log loss +[0-9.]+ \[[0-9.]+, [0-9.]+\]'
grep -q '"test":{"images":20,' out/summary.json || fail "expected the test set in summary.json"

finish
