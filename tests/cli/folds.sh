# shellcheck shell=sh disable=SC1091,SC2034,SC2154
# --folds: every image is tested once, by a model that never saw it; tables and summary; stopping and resuming; refusals.
. "$SOURCE/tests/cli/lib.sh"
make_data data 60
write_config cfg.json
sed -i "s/\"learning_rate\": 0.1/\"learning_rate\": 0.005/" cfg.json # not all will be right

# one run per fold, and all images tested, each by the model of its fold
run 0 "$CNNTRAIN" --config cfg.json --folds 4 --out a --threads 2
expect_stderr '^fold 4/4: epoch 2/2: '
expect_stderr '^95 % intervals +all folds, 60 images'
for fold in 1 2 3 4; do
    for file in config.json split.csv metrics.csv model.bin last.bin checkpoint.bin predictions.csv summary.json; do
        expect_file "a/fold-$fold/$file"
    done
    expect_no_file "a/fold-$fold/test_predictions.csv"
    grep -c ',test,' "a/fold-$fold/split.csv" >tested
    [ "$(cat tested)" -eq 15 ] || fail "expected 15 test images in fold $fold, got $(cat tested)"
    [ "$(grep -c ',validation,' "a/fold-$fold/split.csv")" -gt 5 ] || fail "expected validation images in fold $fold"
    # these, and no others, are in predictions.csv, that of the fold and that of all folds
    sed -n 's/,\(left\|right\),test,.*//p' "a/fold-$fold/split.csv" >test-paths
    tail -n +2 "a/fold-$fold/predictions.csv" | cut -d, -f1 >predicted-paths
    expect_same test-paths predicted-paths
    tail -n +2 "a/fold-$fold/predictions.csv" >predictions
    sed -n "s/,$fold\$//p" a/predictions.csv >pooled
    expect_same predictions pooled
    sed -n "s/^$fold,//p" a/split.csv | cut -d, -f1 >assigned
    expect_same test-paths assigned
    # and cnnpredict agrees
    xargs "$CNNPREDICT" --format csv "a/fold-$fold/model.bin" <test-paths | tail -n +2 | cut -d, -f1,2,3 >by-model
    cut -d, -f1,3,4 pooled >by-fold
    expect_same by-model by-fold
done
for class in left right; do
    cut -d, -f1,3 a/split.csv | grep ",$class" | sort | uniq -c | awk '{ print $1 }' >counts
    [ "$(sort -n counts | head -n 1)" -eq 7 ] || fail "expected 7 or 8 images of $class in a fold"
    [ "$(sort -n counts | tail -n 1)" -eq 8 ] || fail "expected 7 or 8 images of $class in a fold"
done
[ "$(wc -l <a/predictions.csv)" -eq 61 ] || fail "expected 60 predictions"
[ "$(wc -l <a/folds.csv)" -eq 5 ] || fail "expected 4 rows in folds.csv"
expect_no_file a/.lock

# accuracy by hand: of each fold, of all images, mean and deviation
column() { head -n 1 "$1" | tr ',' '\n' | grep -nx "$2" | cut -d: -f1; }
accuracy=$(column a/folds.csv accuracy)
tail -n +2 a/folds.csv | cut -d, -f"$accuracy" >from-table
for fold in 1 2 3 4; do
    awk -F, -v fold="$fold" '$5 == fold { n++; right += $2 == $3 } END { printf "%.15g\n", right / n }' a/predictions.csv
done >by-hand
awk '{ printf "%.15g\n", $1 }' from-table >rounded
expect_same by-hand rounded
awk '{ x[NR] = $1; sum += $1 } END { mean = sum / NR; for (i in x) s += (x[i] - mean) ^ 2
    printf "%.6f %.6f ", mean, sqrt(s / (NR - 1)) }' from-table >by-hand
awk -F, 'NR > 1 { n++; right += $2 == $3 } END { printf "%.6f\n", right / n }' a/predictions.csv >>by-hand
for part in mean deviation pooled; do
    sed "s/.*\"$part\":{//" a/summary.json | grep -o '"accuracy":[0-9.e-]*' | head -n 1 | cut -d: -f2
done | awk '{ printf "%.6f%s", $1, NR < 3 ? " " : "\n" }' >from-summary
expect_same by-hand from-summary

# the area under the curve of all predictions: pairs in the right order, half of those tied; with an interval around it
awk -F, 'NR > 1 { p[NR] = $4; right[NR] = $2 == "right" }
    END { for (i in p) for (j in p) if (right[i] && !right[j]) { n++; sum += p[i] > p[j] ? 1 : p[i] == p[j] ? 0.5 : 0 }
          printf "%.6f\n", sum / n }' a/predictions.csv >by-hand
sed 's/.*"pooled":{//' a/summary.json >pooled-part
grep -o '"auc":[0-9.e-]*' pooled-part | head -n 1 | cut -d: -f2 | awk '{ printf "%.6f\n", $1 }' >from-summary
expect_same by-hand from-summary
for metric in auc accuracy; do
    value=$(grep -o "\"$metric\":[0-9.e-]*" pooled-part | head -n 1 | cut -d: -f2)
    sed 's/.*"interval_95"//' pooled-part | grep -o "\"$metric\":\[[^]]*" | sed 's/.*\[//' |
        awk -F, -v v="$value" '{ exit !($1 <= v && v <= $2 && $1 < $2) }' || fail "expected $metric in its interval"
done

# --max-seconds: shared by the folds, each of which leaves all files of a run
run 0 "$CNNTRAIN" --config cfg.json --folds 2 train.epochs=100000 --max-seconds 0.2 --out m -q
expect_file m/fold-2/model.bin
expect_file m/summary.json

# the same bytes on one thread, and stopped anywhere; finished folds are not touched
run 0 "$CNNTRAIN" --config cfg.json --folds 4 --out b --threads 1 -q
expect_no_stderr
all_same() {
    for file in folds.csv predictions.csv split.csv summary.json config.json; do
        expect_same "a/$file" "$1/$file"
    done
    for fold in 1 2 3 4; do
        expect_same "a/fold-$fold/model.bin" "$1/fold-$fold/model.bin"
        expect_same "a/fold-$fold/predictions.csv" "$1/fold-$fold/predictions.csv"
    done
}
all_same b
run 0 "$CNNTRAIN" --config cfg.json --folds 4 --out b --resume
expect_stderr '^b: finished already'
rm -r b/fold-3 b/fold-4 b/summary.json
rm b/fold-2/summary.json
cp b/fold-1/summary.json first-fold
run 0 "$CNNTRAIN" --config cfg.json --folds 4 --out b --resume
expect_stderr '^fold 1/4: b/fold-1: finished already'
expect_stderr '^fold 2/4: b/fold-2: continuing after epoch 2'
expect_same first-fold b/fold-1/summary.json
all_same b

# a signal: exit code 75; a second run at the same time, another number of folds, another config are refused
last="a signal"
"$CNNTRAIN" --config cfg.json --folds 4 train.epochs=100000 --out c --threads 1 2>stderr &
background=$!
polls=0
while [ ! -f c/fold-1/checkpoint.bin ] && [ "$polls" -lt 3000 ]; do
    sleep 0.01
    polls=$((polls + 1))
done
run 2 "$CNNTRAIN" --config cfg.json --folds 4 train.epochs=100000 --out c --resume
expect_stderr 'another run \(process [0-9]+ on [^)]+\) is using'
kill -TERM "$background"
wait "$background"
code=$?
background=
[ "$code" -eq 75 ] || fail "expected exit code 75, got $code"
expect_no_file c/summary.json
expect_no_file c/.lock
run 2 "$CNNTRAIN" --config cfg.json train.epochs=100000 --out c --resume
expect_stderr 'found a cross-validation; continue it with the same --folds'
run 2 "$CNNTRAIN" --config cfg.json --folds 3 train.epochs=100000 --out c --resume
expect_stderr 'cannot resume: --folds or the images have changed'
run 2 "$CNNTRAIN" --config cfg.json --folds 4 train.epochs=100000 train.seed=2 --out c --resume
expect_stderr 'train.seed: 1, now 2'
expect_file c/fold-1/model.bin

# starting over removes all folds of an earlier run with more folds
run 2 "$CNNTRAIN" --config cfg.json --folds 2 --out b
expect_stderr 'expected an empty run directory'
run 0 "$CNNTRAIN" --config cfg.json --folds 2 --out b --overwrite -q
expect_file b/fold-2/summary.json
expect_no_file b/fold-3
run 0 "$CNNTRAIN" --config cfg.json --out b --overwrite -q
expect_no_file b/fold-1
expect_no_file b/folds.csv
run 2 "$CNNTRAIN" --config cfg.json --folds 2 --out b --resume
expect_stderr 'found a run without --folds'

# the dry run counts; refusals name both
run 0 "$CNNTRAIN" --config cfg.json --folds 4 --dry-run
expect_in_stdout '^  fold 4 +1[67] \+ 1[67] +[67] \+ [67] +[78] \+ [78]$'
run 2 "$CNNTRAIN" --config cfg.json --folds 4 --out d data.validation=data
expect_stderr 'data.validation: expected a share with --folds.*"data"'
run 2 "$CNNTRAIN" --config cfg.json --folds 4 --out d data.test=data
expect_stderr 'data.test: expected none with --folds.*"data"'
run 2 "$CNNTRAIN" --config cfg.json --folds 4 --trace
expect_stderr 'expected one of --folds and --trace'
for k in 1 0 -3 1001 2.5 ''; do
    run 2 "$CNNTRAIN" --config cfg.json --folds "$k" --out d
    expect_stderr '^cnntrain: --folds: expected an integer from 2 to 1000'
done
run 3 "$CNNTRAIN" --config cfg.json --folds 31 --out d -q
expect_one_message
expect_stderr '^cnntrain: data: --folds 31: expected at least 31 images.*found 30 of "left"'
expect_no_file d
{
    echo path,label,split,group
    find data -name '*.pgm' | sort | awk -F/ '{ printf "%s,%s,train,g%d\n", $0, $2, NR % 12 }'
} >rows.csv
sed '$s/,train,/,test,/' rows.csv >split-rows.csv
run 3 "$CNNTRAIN" --config cfg.json data.train=split-rows.csv --folds 4 --out d
expect_stderr 'split: expected only "train" with --folds.*found "test"'

# groups stay together; without validation, the last epoch counts
run 0 "$CNNTRAIN" --config cfg.json data.train=rows.csv data.validation=0 --folds 4 --out g -q
tail -n +2 g/split.csv | awk -F, '{ print $4, $1 }' | sort -u | cut -d' ' -f1 | uniq -d >divided
[ ! -s divided ] || fail "expected no group in two folds, found $(cat divided)"
[ "$(grep -c ',validation,' g/fold-1/split.csv)" -eq 0 ] || fail "expected no validation images"

finish
