# shellcheck shell=sh disable=SC1091,SC2034,SC2154
# cnneval: metrics against those computed here from its rows, two models, images that fail, other classes.
. "$SOURCE/tests/cli/lib.sh"
make_data data 60
write_config cfg.json
make_data test 40 5
mislabel test 4
run 0 "$CNNTRAIN" --config cfg.json --out weak -q train.epochs=1 train.batch_size=60 data.test=test
run 0 "$CNNTRAIN" --config cfg.json --out good -q train.epochs=20
# member NAME: a number in stdout's JSON, the first of its name
member() { grep -o "\"$1\":[-0-9.e]*" "$work/stdout" | head -n 1 | cut -d : -f 2; }
# near NAME WANTED
near() { awk "BEGIN { d = $(member "$1") - ($2); exit !(d < 1e-6 && d > -1e-6) }" ||
    fail "expected $1 $2, got $(member "$1")"; }

# --- all metrics, by their definitions, from the rows
run 0 "$CNNEVAL" weak/model.bin test --format json --rows rows.csv
expect_no_stderr
[ "$(wc -l <stdout)" -eq 1 ] || fail "expected one line of JSON"
[ "$(head -n 1 rows.csv)" = path,label,predicted,probability,status ] || fail "expected a header in rows.csv"
[ "$(wc -l <rows.csv)" -eq 41 ] || fail "expected 40 rows"
tail -n +2 rows.csv | awk -F , '
    { y[NR] = $2 == "right"; p[NR] = $4; said = $3 == "right"
      if ((p[NR] >= 0.5) != said || $5 != "ok") exit 1
      tp += said && y[NR]; fp += said && !y[NR]; tn += !said && !y[NR]; fn += !said && y[NR]
      loss -= log(y[NR] ? p[NR] : 1 - p[NR]); brier += (p[NR] - y[NR]) ^ 2 }
    END { for (i = 1; i <= NR; i++) for (j = 1; j <= NR; j++) if (y[i] && !y[j]) {
              pairs++; auc += p[i] > p[j] ? 1 : p[i] == p[j] ? 0.5 : 0 }
          printf "true_positives %d\nfalse_positives %d\ntrue_negatives %d\nfalse_negatives %d\n", tp, fp, tn, fn
          printf "accuracy %.9f\nf1 %.9f\n", (tp + tn) / NR, 2 * tp / (2 * tp + fp + fn)
          printf "auc %.9f\nloss %.9f\nbrier %.9f\n", auc / pairs, loss / NR, brier / NR }' >metrics
[ "$(wc -l <metrics)" -eq 9 ] || fail "expected rows that fit their probabilities"
while read -r name value; do near "$name" "$value"; done <metrics
# the values of the run itself
cp stdout report.json
accuracy=$(sed 's/.*"test"://' weak/summary.json | grep -o '"accuracy":[0-9.]*' | head -n 1 | cut -d : -f 2)
near accuracy "$accuracy"
# … with the same intervals
sed 's/.*"test"://' weak/summary.json | grep -o '"interval_95":{[^}]*}' | head -n 1 >from-summary
grep -o '"interval_95":{[^}]*}' report.json >from-report
expect_same from-summary from-report
run 0 "$CNNEVAL" --threads 1 weak/model.bin test -f json
expect_same stdout report.json
run 0 "$CNNEVAL" weak/model.bin test
expect_no_stderr
expect_in_stdout '^ROC AUC +[01]\.[0-9]{4}  \[[01]\.[0-9]{4}, [01]\.[0-9]{4}\]$'
expect_in_stdout '40 images: 20 "left" \(class 0\), 20 "right" \(class 1\)'

# --- Wilson's intervals, from the counts; a model that is always right is not certain
wilson() { awk -v x="$(member "$1")" -v n="$2" 'BEGIN { z = 1.959963984540054; p = x / n
    h = z * sqrt(p * (1 - p) / n + z * z / 4 / n / n); low = (p + z * z / 2 / n - h) / (1 + z * z / n)
    high = (p + z * z / 2 / n + h) / (1 + z * z / n); printf "[%.4f, %.4f]", low, high }'; }
cp report.json stdout
recall=$(wilson true_positives 20)
specificity=$(wilson true_negatives 20)
run 0 "$CNNEVAL" weak/model.bin test
grep -E '^recall ' stdout | grep -qF "$recall" || fail "expected $recall for the recall"
grep -E '^specificity ' stdout | grep -qF "$specificity" || fail "expected $specificity for the specificity"
make_data easy 10 6
run 0 "$CNNEVAL" good/model.bin easy
expect_in_stdout '^accuracy +1\.0000  \[0\.7225, 1\.0000\]$'
expect_in_stdout '^recall +1\.0000  \[0\.5655, 1\.0000\]$'
expect_in_stdout '^ROC AUC +1\.0000  \[0\.6[0-9]{3}, 1\.0000\]$'
awk '/%/ { inside = 1; next } inside && /\[/ { split($0, part, /[][,]/); if (part[2] + 0 >= part[3] + 0) print }' stdout >pointless
[ ! -s pointless ] || fail "expected intervals with a width: $(cat pointless)"

# --- rows in cnnpredict's other formats, with the same numbers
run 0 "$CNNEVAL" weak/model.bin test -r rows.tsv
tail -n +2 rows.csv | tr , '\t' >wanted.tsv
expect_same rows.tsv wanted.tsv
run 0 "$CNNEVAL" weak/model.bin test -r rows.jsonl
[ "$(grep -cE '^\{"path":"test/(left|right)/[lr]?[0-9]+.pgm","label":"(left|right)","predicted":"(left|right)","probability":[0-9.e-]+,"status":"ok"\}$' rows.jsonl)" -eq 40 ] ||
    fail "expected 40 objects"

# --- another threshold
run 0 "$CNNEVAL" weak/model.bin test -f json --threshold 0
near recall 1
near specificity 0
run 0 "$CNNEVAL" weak/model.bin test -f json --threshold 1
near recall 0

# --- two models
run 0 "$CNNEVAL" weak/model.bin test -f json --compare good/model.bin -r both.csv
tail -n +2 both.csv | awk -F , '{ one = ($4 >= 0.5) == ($2 == "right"); two = ($5 >= 0.5) == ($2 == "right")
    b += one && !two; c += two && !one } END { printf "%d %d\n", b, c }' >only
near only_model "$(cut -d ' ' -f 1 only)"
near only_other "$(cut -d ' ' -f 2 only)"
[ "$(cut -d ' ' -f 2 only)" -gt 2 ] || fail "expected the good model to be better"
expect_in_stdout '"mcnemar":\{.*"exact":true,"chi_square":null,"p":'
expect_in_stdout '"delong":\{.*"standard_error":[0-9.e-]+,"z":-?[0-9]'
run 0 "$CNNEVAL" weak/model.bin test --compare weak/model.bin -f json
near only_model 0
expect_in_stdout '"p":1\}.*"difference":0,.*"p":1,'
run 0 "$CNNEVAL" weak/model.bin test -c good/model.bin
expect_in_stdout "McNemar's test \\(exact binomial\\): p = "
expect_in_stdout "DeLong's test"

# --- images that fail are named and left out, for both models
cp -r test damaged
echo "no picture" >damaged/left/broken.pgm
run 6 "$CNNEVAL" weak/model.bin damaged -f json -r rows.csv
expect_stderr '^cnneval: damaged/left/broken.pgm: .'
expect_stderr '^cnneval: 1 of 41 images could not be read'
[ "$(member images) $(member failed)" = "40 1" ] || fail "expected 40 images and one that failed"
near accuracy "$accuracy"
grep -q '^damaged/left/broken.pgm,left,,,.' rows.csv || fail "expected a row with the reason"
run 6 "$CNNEVAL" weak/model.bin damaged -q -c good/model.bin
expect_no_stderr
rm damaged/*/*
echo "no picture" >damaged/right/broken.pgm
run 3 "$CNNEVAL" weak/model.bin damaged -q
expect_stderr '^cnneval: damaged: none of 1 images can be read'

# --- a manifest, its splits, and labels that are not classes
{
    echo path,label,split
    for i in 0 1 2; do echo "test/left/0000$((2 * i)).pgm,left,test"; done
    echo test/right/00001.pgm,right,validation
    echo test/right/00003.pgm,up,test
} >list.csv
run 0 "$CNNEVAL" good/model.bin list.csv -f json
[ "$(member images)" = 4 ] || fail "expected 4 images"
expect_stderr 'list.csv: 1 rows? ha.* another label'
run 0 "$CNNEVAL" good/model.bin list.csv -f json -q --split test
expect_no_stderr
[ "$(member images)" = 3 ] || fail "expected 3 images"
expect_in_stdout '"auc":null'
# a class with no image, or one, is named; what does not depend on the predictions has no interval
run 0 "$CNNEVAL" good/model.bin list.csv -f json --split test
expect_stderr '^cnneval: list.csv: no image of "right" \(class 1\)'
expect_in_stdout '"interval_95":.*"mcc":\[null,null\]'
run 0 "$CNNEVAL" good/model.bin list.csv -f json
expect_stderr '^cnneval: list.csv: only one image of "right" \(class 1\)'
run 3 "$CNNEVAL" good/model.bin list.csv --split train
expect_stderr 'list.csv: expected train images of "left" or "right", found none'

# --- large images: the limit of the model, or the option
{
    printf 'P5\n40 40\n255\n'
    head -c 1600 /dev/zero
} >test/left/large.pgm
run 6 "$CNNEVAL" good/model.bin test --max-megapixels 0.001 --rows rows.tsv -c weak/model.bin
expect_stderr '^cnneval: test/left/large.pgm: expected at most 0.001 megapixels \(--max-megapixels\), found 0.0016: 40×40$'
expect_stderr '^cnneval: 1 of 41 images could not be read'
run 0 "$CNNEVAL" good/model.bin test --max-megapixels 1 -c weak/model.bin
run 0 "$CNNTRAIN" --config cfg.json --out small -q train.epochs=1 image.max_megapixels=0.001
run 6 "$CNNEVAL" small/model.bin test
expect_stderr '\(--max-megapixels\), found 0.0016: 40×40$'
run 0 "$CNNEVAL" small/model.bin test --max-megapixels 1
rm test/left/large.pgm
awk 'BEGIN { FS = ","; OFS = ";" } { print NR == 1 ? "id" : NR, $1, $2, $3 }' list.csv >list.txt
run 0 "$CNNEVAL" good/model.bin list.txt -f json --split test
[ "$(member images)" = 3 ] || fail "expected 3 images"
expect_stderr '^cnneval: list.txt: not used: "id"$'
run 0 "$CNNEVAL" good/model.bin list.txt -q
expect_no_stderr
mkdir split
cp -r test split/Test
cp -r test split/train
rm split/train/left/00000.pgm
run 0 "$CNNEVAL" good/model.bin split -f json --split test
[ "$(member images)" = 40 ] || fail "expected the test images"
run 0 "$CNNEVAL" good/model.bin split -f json
[ "$(member images)" = 79 ] || fail "expected all images"

# --- other classes, bad models, bad flags
mkdir other
mv damaged other/up
mkdir other/down
run 3 "$CNNEVAL" weak/model.bin other
expect_stderr 'other/left: '
run 0 "$CNNTRAIN" --config cfg.json --out swapped -q train.epochs=0 'data.classes=["right","left"]'
run 4 "$CNNEVAL" weak/model.bin test -c swapped/model.bin
expect_stderr '^cnneval: swapped/model.bin: expected class 0 to be "left", as in weak/model.bin, found "right"'
run 4 "$CNNEVAL" missing.bin test
run 4 "$CNNEVAL" weak/model.bin test -c missing.bin
run 3 "$CNNEVAL" weak/model.bin missing
run 2 "$CNNEVAL" weak/model.bin
run 2 "$CNNEVAL" weak/model.bin test third
run 2 "$CNNEVAL" weak/model.bin test -f xml
run 2 "$CNNEVAL" weak/model.bin test -r rows.txt
run 2 "$CNNEVAL" weak/model.bin test -s tset
run 2 "$CNNEVAL" weak/model.bin test --threshold 2
expect_one_message
expect_stdout ""
run 1 "$CNNEVAL" weak/model.bin test -r missing/rows.csv
expect_stdout ""
run 1 "$CNNEVAL" weak/model.bin test --max-memory 1000

# --- images that show little: one line, and counts in the JSON; a folder of neither class
cp -R test flawed
printf 'P5 12 12 255\n%0144d' 0 >flawed/left/grey.pgm
head -c 144 /dev/zero | { printf 'P5 12 12 255\n' && cat; } >flawed/left/black.pgm
head -c 144 /dev/zero | tr '\0' '\372' | { printf 'P5 12 12 255\n' && cat; } >flawed/right/white.pgm
mkdir flawed/middle
run 0 "$CNNEVAL" good/model.bin flawed -f json
expect_stderr '^cnneval: flawed: 2 of 43 images may show too little: 1 are nearly black, 1 are nearly white \(cnntrain --check-data names them\)$'
expect_stderr '^cnneval: flawed/middle: not used: the classes are "left" and "right"$'
grep -q '"flaws":{"images":2,"nearly_black":1,"nearly_white":1,"few_levels":0,"dark":0,"bright":0,"blurred":0}' stdout ||
    fail "expected the number of images of each flaw"
run 0 "$CNNEVAL" good/model.bin flawed -q
expect_no_stderr
run 0 "$CNNEVAL" good/model.bin flawed --compare weak/model.bin
expect_stderr '2 of 43 images may show too little'
run 0 "$CNNEVAL" good/model.bin test
expect_no_stderr

finish
