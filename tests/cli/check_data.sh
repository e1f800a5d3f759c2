# shellcheck shell=sh disable=SC1091,SC2034,SC2154
# --check-data: findings, the place of the table, exit codes; and how training treats the same data.
#
# Environment, besides that of lib.sh: CNN_CHECK_DATA, a folder of images in two class folders. All files with the same
# bytes, and all PNG files named .jpg, must be found in it.
. "$SOURCE/tests/cli/lib.sh"
make_data data 40
make_data test 20 2
write_config cfg.json

# problem_count NAME: rows of the table with this problem.
problem_count() {
    awk -F, -v name="$1" '
        NR == 1 { for (i = 1; i <= NF; i++) if ($i == "problems") column = i }
        NR > 1 && (" " $column " ") ~ (" " name " ") { count++ }
        END { print count + 0 }' out/data_report.csv
}
expect_problems() {
    found=$(problem_count "$1")
    [ "$found" -eq "$2" ] || fail "expected the problem $1 in $2 rows, found it in $found"
}

# --- no findings
run 0 "$CNNTRAIN" --config cfg.json data.test=test --check-data --quiet
expect_no_stderr
expect_in_stdout '^ *train +[0-9]+ +[0-9]+ +[0-9]+$'
expect_in_stdout '^ *test +20 +10 +10$'
expect_in_stdout '^ *format +60 PNM$'
expect_in_stdout '^no problems found$'
expect_in_stdout '^every image: out/data_report\.csv$'
[ "$(wc -l <out/data_report.csv)" -eq 61 ] || fail "expected one row per image"
[ "$(ls out)" = data_report.csv ] || fail "expected nothing but the table in out"
expect_no_file .cache
counted=$(awk '/^ *(train|validation) +[0-9]/ { sum += $2 } END { print sum }' stdout)
[ "$counted" -eq 40 ] || fail "expected 40 images, got $counted"
# the same images are held back as in training, which accepts a directory with the table
sort out/data_report.csv | cut -d, -f1-4 >checked
run 0 "$CNNTRAIN" --config cfg.json data.test=test train.epochs=0 --quiet
expect_file out/data_report.csv
expect_file out/model.bin
sort out/split.csv | cut -d, -f1-4 >trained
expect_same checked trained
# … and a check accepts a directory with a run
cp out/model.bin model
run 0 "$CNNTRAIN" --config cfg.json --check-data --quiet
expect_same out/model.bin model
run 2 "$CNNTRAIN" --config cfg.json --quiet
rm -r out
run 0 "$CNNTRAIN" --config cfg.json --check-data --out elsewhere/report
expect_file elsewhere/report/data_report.csv
expect_no_file out
sed '/"output"/d; s/"seed": 1},/"seed": 1}/' cfg.json >no-output.json
run 0 "$CNNTRAIN" --config no-output.json --check-data
if grep -q 'every image' stdout; then fail "expected no table"; fi

# --- one of everything
cp -R data bad
cp data/left/00000.pgm bad/right/conflict.pgm
cp data/left/00002.pgm bad/left/again.pgm
cp data/right/00001.pgm test/right/crossing.pgm
echo "no picture" >bad/left/notes.pgm
: >bad/right/empty.pgm
"$MAKE_IMAGES" small 2 11 12 1 3
"$MAKE_IMAGES" short 2 12 11 1 4
cp small/left/00000.pgm bad/left/small.pgm
cp short/left/00000.pgm bad/left/short.pgm
cp test/left/00000.pgm bad/left/wrong.jpg && rm test/left/00000.pgm
printf 'P5 12 12 255\n%0144d' 0 >bad/left/flat.pgm
run 3 "$CNNTRAIN" --config cfg.json data.train=bad data.test=test data.duplicates=error --check-data
expect_one_message
expect_stderr '^cnntrain: bad: training would refuse this data'
expect_in_stdout '^errors'
expect_in_stdout '^ *unreadable +2$'
expect_in_stdout 'bad/left/notes\.pgm \(left, .*\): expected a PNG'
expect_in_stdout 'bad/right/empty\.pgm .*: expected an image, found an empty file'
expect_in_stdout 'bad/right/conflict\.pgm \(right, .*\) = bad/left/00000\.pgm \(left, '
expect_in_stdout 'test/right/crossing\.pgm \(right, test\) = bad/right/00001\.pgm \(right, '
expect_in_stdout 'bad/left/again\.pgm .* = bad/left/00002\.pgm|bad/left/00002\.pgm .* = bad/left/again\.pgm'
expect_in_stdout 'bad/left/small\.pgm .*: 11×12$'
expect_in_stdout 'bad/left/short\.pgm .*: 12×11$'
expect_in_stdout 'bad/left/wrong\.jpg .*: PNM$'
expect_in_stdout 'bad/left/flat\.pgm \(left, '
for problem in unreadable:2 copy_other_label:2 copy_other_split:2 copy:3 small:2 wrong_extension:1 constant:1; do
    expect_problems "${problem%:*}" "${problem#*:}"
done
expect_problems left_out 0
# by default, copies are left out, and nothing but the unreadable images is refused
run 3 "$CNNTRAIN" --config cfg.json data.train=bad data.test=test --check-data
expect_in_stdout '^  left out +3  copies \(data\.duplicates\)$'
expect_in_stdout 'have an exact copy with the other label: training leaves them out$'
expect_in_stdout 'have an exact copy in another split: training leaves out those in the later split$'
expect_problems left_out 3
grep -Eq '^test/right/crossing\.pgm,.*copy_other_split copy left_out,$' out/data_report.csv ||
    fail "expected the test image to be left out"
rm bad/right/conflict.pgm test/right/crossing.pgm
run 3 "$CNNTRAIN" --config cfg.json data.train=bad data.test=test --check-data
run 0 "$CNNTRAIN" --config cfg.json data.train=bad data.test=test data.bad_images=skip --check-data
expect_problems unreadable 2
cp data/left/00000.pgm bad/right/conflict.pgm
cp data/right/00001.pgm test/right/crossing.pgm
rm bad/left/notes.pgm bad/right/empty.pgm
run 3 "$CNNTRAIN" --config cfg.json data.train=bad data.duplicates=error --check-data
run 0 "$CNNTRAIN" --config cfg.json data.train=bad data.test=test data.duplicates=allow --check-data
expect_in_stdout '^warnings'
rm -r out

# --- training agrees
run 3 "$CNNTRAIN" --config cfg.json data.train=bad data.test=test data.duplicates=error --quiet
expect_stderr 'bad/right/conflict\.pgm \(right, .*\): the same image as bad/left/00000\.pgm \(left, '
expect_stderr 'test/right/crossing\.pgm \(right, test\): the same image as bad/right/00001\.pgm \(right, '
expect_stderr '^cnntrain: bad: 2 images have a copy with the other label, 2 have a copy in another split.*data\.duplicates to "drop".*"allow"'
expect_no_file out
run 0 "$CNNTRAIN" --config cfg.json data.train=bad data.test=test data.duplicates=allow
expect_stderr '2 images have a copy with the other label, 2 have a copy in another split'
grep -q '"copies_left_out":0,' out/summary.json || fail "expected no image to be left out"
# the default: the report of --check-data and the run agree on the images and their splits
run 0 "$CNNTRAIN" --config cfg.json data.train=bad data.test=test --check-data --quiet --out dropped
run 0 "$CNNTRAIN" --config cfg.json data.train=bad data.test=test --out dropped
expect_stderr '^cnntrain: bad/right/conflict\.pgm \(right, train\): left out, and so is the same image with another label, bad/left/00000\.pgm \(left, train\)$'
expect_stderr '^cnntrain: test/right/crossing\.pgm \(right, test\): left out, a copy of bad/right/00001\.pgm \(right, train\)$'
expect_stderr '^cnntrain: 3 images left out \(data\.duplicates\): 2 have a copy with the other label, 1 have a copy in an earlier split'
grep -q '"copies_left_out":3,' dropped/summary.json || fail "expected three images to be left out"
sort dropped/split.csv | cut -d, -f1-4 >trained
grep -v 'left_out' dropped/data_report.csv | sort | cut -d, -f1-4 >checked
expect_same checked trained
# … as does a run on these images only; --resume finds the same images, also elsewhere
cp -R bad clean
rm clean/right/conflict.pgm clean/left/00000.pgm
cp -R test clean-test
rm clean-test/right/crossing.pgm
run 0 "$CNNTRAIN" --config cfg.json data.train=clean data.test=clean-test --out clean-run --quiet
expect_same clean-run/model.bin dropped/model.bin
cut -d, -f2- clean-run/test_predictions.csv >clean-predictions
cut -d, -f2- dropped/test_predictions.csv >dropped-predictions
expect_same clean-predictions dropped-predictions
mkdir elsewhere/data
cp -R bad test elsewhere/data
mv elsewhere/data/test/right/crossing.pgm elsewhere/data/test/right/00.pgm
run 0 "$CNNTRAIN" --config cfg.json data.train=elsewhere/data/bad data.test=elsewhere/data/test --out dropped --resume \
    --quiet train.epochs=3
run 0 "$CNNTRAIN" --config cfg.json data.train=clean data.test=clean-test data.duplicates=error --out clean-run --resume \
    --quiet train.epochs=3
expect_same clean-run/model.bin dropped/model.bin
run 0 "$CNNTRAIN" --config cfg.json data.train=bad --folds 3 --out folds --quiet
grep -Eq 'conflict|bad/left/00000' folds/split.csv && fail "expected no copy with two labels in the folds"
grep -q '"copies_left_out":2' folds/summary.json || fail "expected two images to be left out of the folds"
# so many that fewer images are held back
cp -R data many
for i in 02 04 06 08 10 12 14 16; do cp "data/left/000$i.pgm" "many/right/left$i.pgm"; done
run 0 "$CNNTRAIN" --config cfg.json data.train=many --check-data --quiet --out many-run
run 0 "$CNNTRAIN" --config cfg.json data.train=many --out many-run --quiet
sort many-run/split.csv | cut -d, -f1-4 >trained
grep -v 'left_out' many-run/data_report.csv | sort | cut -d, -f1-4 >checked
expect_same checked trained
# nothing left to test on
run 3 "$CNNTRAIN" --config cfg.json data.test=data --quiet --out none
expect_stderr '^cnntrain: data: expected test images that are not copies of others, found only 40 copies'
run 3 "$CNNTRAIN" --config cfg.json data.test=data --check-data --out none
expect_in_stdout '^  no test image is left: all are copies'
rm bad/right/conflict.pgm
run 0 "$CNNTRAIN" --config cfg.json data.train=bad --out harmless
expect_stderr '^1 of [0-9]+ images are exact copies of others'
run 2 "$CNNTRAIN" --config cfg.json data.duplicates=maybe --check-data

# --- groups, and a shortcut
{
    echo path,label,split,group
    echo data/left/00000.pgm,left,train,g1
    echo data/left/00002.pgm,left,test,g1
    echo data/right/00001.pgm,right,train,g2
    echo small/right/00001.pgm,right,test,g3
} >groups.csv
run 0 "$CNNTRAIN" --config cfg.json data.train=groups.csv data.validation=0 --check-data --out out
expect_in_stdout 'data/left/00002\.pgm \(left, test\): group g1'
expect_problems group_other_split 2
"$MAKE_IMAGES" large 40 16 12 1
mkdir wide && cp -R data/left large/right wide
run 0 "$CNNTRAIN" --config cfg.json data.train=wide --check-data
expect_in_stdout '^  width alone tells the classes apart \(AUC 1\.000\)'
expect_in_stdout '^ *height +12 +12 +0\.500$'

# --- data that cannot even be listed has no report
run 3 "$CNNTRAIN" --config cfg.json data.train=missing --check-data
expect_stdout ""
expect_stderr '^cnntrain: missing: '
# a folder that cannot be made
: >file
run 1 "$CNNTRAIN" --config cfg.json --check-data --out file/out
expect_stderr '^cnntrain: file: '

# --- images of the user
if [ -n "${CNN_CHECK_DATA:-}" ]; then
    rm -rf out
    run 0 "$CNNTRAIN" --config cfg.json "data.train=$CNN_CHECK_DATA" --check-data
    copies=$(find "$CNN_CHECK_DATA"/ -type f -exec sha256sum {} + |
        awk '{ copies += seen[$1]++ > 0 } END { print copies + 0 }')
    wrong=$(find "$CNN_CHECK_DATA"/ -type f -iname '*.jp*g' -exec sh -c '
        for file; do head -c 4 "$file" | grep -q PNG && echo "$file"; done' sh {} + | wc -l)
    echo "$copies copies, $wrong PNG files named .jpg"
    expect_problems copy "$copies"
    expect_problems wrong_extension "$wrong"
fi

finish
