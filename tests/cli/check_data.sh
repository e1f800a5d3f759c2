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
expect_in_stdout '^nothing to object to$'
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
run 3 "$CNNTRAIN" --config cfg.json data.train=bad data.test=test --check-data
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
rm bad/right/conflict.pgm test/right/crossing.pgm
run 3 "$CNNTRAIN" --config cfg.json data.train=bad data.test=test --check-data
run 0 "$CNNTRAIN" --config cfg.json data.train=bad data.test=test data.bad_images=skip --check-data
expect_problems unreadable 2
cp data/left/00000.pgm bad/right/conflict.pgm
cp data/right/00001.pgm test/right/crossing.pgm
rm bad/left/notes.pgm bad/right/empty.pgm
run 3 "$CNNTRAIN" --config cfg.json data.train=bad --check-data
run 0 "$CNNTRAIN" --config cfg.json data.train=bad data.test=test data.duplicates=allow --check-data
expect_in_stdout '^warnings'
rm -r out

# --- training agrees
run 3 "$CNNTRAIN" --config cfg.json data.train=bad data.test=test --quiet
expect_stderr 'bad/right/conflict\.pgm \(right, .*\): the same image as bad/left/00000\.pgm \(left, '
expect_stderr 'test/right/crossing\.pgm \(right, test\): the same image as bad/right/00001\.pgm \(right, '
expect_stderr '^cnntrain: bad: 2 images have a copy with the other label, 2 have a copy in another split.*data\.duplicates to "allow"'
expect_no_file out
run 0 "$CNNTRAIN" --config cfg.json data.train=bad data.test=test data.duplicates=allow
expect_stderr '2 images have a copy with the other label, 2 have a copy in another split'
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
