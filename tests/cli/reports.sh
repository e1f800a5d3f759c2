# shellcheck shell=sh disable=SC1091,SC2034,SC2154
# report.html: where and when it is made, what it takes to fail, its figures, hostile names.
. "$SOURCE/tests/cli/lib.sh"
make_data data 80
make_data tests 40 2
mislabel data 9
mislabel tests 9
write_config cfg.json
tested="data.test=tests"

# compare DIR LEAST: every figure of the report is that of summary.json.
compare() {
    if command -v python3 >/dev/null; then
        python3 "$SOURCE/tests/cli/compare_report.py" "$1/report.html" "$1/summary.json" "$2" ||
            fail "expected the figures of $1/summary.json in its report"
    fi
}
# again DIR ARGUMENT...: makes the report of a finished run again.
again() {
    rm -f "$1/report.html"
    run 0 "$CNNTRAIN" --config cfg.json --out "$@" --resume
}

# at the end of a run, and named there; nothing but results on stdout
run 0 "$CNNTRAIN" --config cfg.json "$tested" augment.flip_vertical=true
expect_stdout ""
expect_stderr '^report: out/report.html$'
expect_file out/report.html
compare out 20
# what the page says to repeat the run, done here, gives the same model
# repeat DIR: DIR has a report whose command is run with a copy of the config beside it
repeat() {
    cp "$1/config.json" repeat.json
    command=$(sed -n 's/^.*<code>cnntrain \(--config repeat[^<]*\)<.*$/\1/p' "$1/report.html")
    rm -rf repeated
    # shellcheck disable=SC2086
    run 0 "$CNNTRAIN" $command --quiet --no-report
    expect_same "$1/model.bin" repeated/model.bin
}
repeat out
for id in verdict curves threshold data made; do
    grep -q "<section id=\"$id\"" out/report.html || fail "expected a section $id"
done
grep -q '<!DOCTYPE html>' out/report.html || fail "expected HTML"
grep -q "$(sha256sum out/model.bin | cut -d' ' -f1)" out/report.html || fail "expected the checksum of the model"
grep -q 'data:image/png;base64,' out/report.html || fail "expected pictures"
case $(cat out/report.html) in
*"$work"*) fail "expected no path of the machine" ;;
esac
left_over=$(find out -name '*.tmp.*')
[ -z "$left_over" ] || fail "expected no temporary files, found $left_over"

# a finished run keeps its report, and makes it if it is missing: the same bytes on any number of threads and with any
# instruction set
cp out/report.html kept.html
ls -i out/report.html >number
run 0 "$CNNTRAIN" --config cfg.json "$tested" augment.flip_vertical=true --resume
ls -i out/report.html | cmp -s - number || fail "expected the report to stay as it is"
for threads in 1 3; do
    again out "$tested" augment.flip_vertical=true --threads $threads
    expect_same kept.html out/report.html
done
CNN_ISA=generic again out "$tested" augment.flip_vertical=true
expect_same kept.html out/report.html
again out "$tested" augment.flip_vertical=true --quiet
expect_no_stderr
expect_same kept.html out/report.html

# --no-report; and a run that continues, or starts over, has no report of another run
run 0 "$CNNTRAIN" --config cfg.json "$tested" --out none --no-report
expect_no_file none/report.html
run 0 "$CNNTRAIN" --config cfg.json "$tested" augment.flip_vertical=true train.epochs=3 --resume --no-report -q
expect_no_file out/report.html
run 0 "$CNNTRAIN" --config cfg.json "$tested" augment.flip_vertical=true train.epochs=4 --resume -q
compare out 20
run 0 "$CNNTRAIN" --config cfg.json "$tested" --overwrite --no-report -q
expect_no_file out/report.html

# a cross-validation: a report for each fold, and one with links to them
run 0 "$CNNTRAIN" --config cfg.json --folds 3 --out folds
expect_stderr '^report: folds/report.html$'
compare folds 15
for fold in 1 2 3; do
    compare "folds/fold-$fold" 15
    grep -q "href=\"fold-$fold/report.html\"" folds/report.html || fail "expected a link to fold $fold"
    grep -q -e "--folds 3 --member $fold" "folds/fold-$fold/report.html" || fail "expected the command for fold $fold"
done
cp folds/report.html kept.html
cp folds/fold-2/report.html kept-2.html
rm folds/report.html folds/fold-2/report.html
run 0 "$CNNTRAIN" --config cfg.json --folds 3 --out folds --gather --threads 1
expect_same kept.html folds/report.html
expect_same kept-2.html folds/fold-2/report.html
run 0 "$CNNTRAIN" --config cfg.json --folds 3 --out folds --member 2 --overwrite
expect_file folds/fold-2/report.html
expect_no_file folds/report.html
run 0 "$CNNTRAIN" --config cfg.json --folds 3 --out folds --gather --no-report
expect_no_file folds/report.html
run 0 "$CNNTRAIN" --config cfg.json --folds 3 --out folds --overwrite --no-report -q
[ -z "$(find folds -name report.html)" ] || fail "expected no reports"

# runs of all kinds: no epochs, one epoch, no validation, stopped early, ended by time, with a rule for the threshold
kind() {
    dir=$1
    least=$2
    shift 2
    run 0 "$CNNTRAIN" --config cfg.json --out "$dir" "$@" -q
    expect_file "$dir/report.html"
    compare "$dir" "$least"
}
kind no-epochs 10 train.epochs=0
kind one-epoch 10 train.epochs=1
kind unvalidated 5 data.validation=0
kind unvalidated-tested 10 data.validation=0 "$tested"
kind early 10 train.epochs=100 train.early_stopping.patience=1
kind timed 10 train.epochs=100000 --max-seconds 0.3
kind budget 10 train.epochs=2 train.minutes=100
kind spent 10 train.minutes=0.00001 train.batch_size=1
kind scheduled 10 train.schedule=cosine train.epochs=12 train.threshold=youden train.calibrate=true
grep -q 'Learning rate' scheduled/report.html || fail "expected a chart of the learning rate"
grep -q 'was not measured' unvalidated/report.html || fail "expected that nothing was measured"
grep -q 'was not trained' no-epochs/report.html || fail "expected that nothing was trained"
says() {
    grep -q "$2" "$1/report.html" || fail "expected in $1/report.html: $2"
}
says timed '<strong>Ended by the time limit.</strong>'
says timed 'This run cannot be repeated exactly'
says spent '<strong>Ended by its time budget.</strong>'
says spent 'This run cannot be repeated exactly'
says budget 'repeated train.minutes=0</code>'
repeat budget
says one-epoch 'took no part in training'
says scheduled 'also chose the epoch, the temperature and the threshold'
says early 'also chose the epoch and the end of training'

# a sweep: the page of the set, with links to files that are there, and a report of the chosen run, with the test images
printf '{"grid": {"train.learning_rate": [0.00001, 0.1]}}\n' >sweep.json
run 0 "$CNNTRAIN" --config cfg.json "$tested" --sweep sweep.json --out sweep
for file in $(grep -o 'href="[^#"]*"' sweep/report.html | sed 's/^href="//; s/"$//' | grep -v '^data:'); do
    expect_file "sweep/$file"
done
says sweep 'href="0002/report.html"'
says sweep 'href="0001/metrics.csv"'
says sweep 'cnntrain --config repeat.json --sweep sweep.json --out repeated'
says sweep '&quot;grid&quot;'
says sweep/0002 'of run 2 of 2, which was chosen in <a href="../report.html">a sweep</a>'
expect_no_file sweep/0001/report.html
if command -v python3 >/dev/null; then
    python3 -c 'import json; run, whole = json.load(open("sweep/0002/summary.json")), json.load(open("sweep/summary.json"))
json.dump(dict(run, test=whole["chosen"]["test"]), open("summary.json", "w"))'
    python3 "$SOURCE/tests/cli/compare_report.py" sweep/0002/report.html summary.json 20 ||
        fail "expected the figures of the chosen run in its report"
fi
cp sweep/0002/report.html kept.html
run 0 "$CNNTRAIN" --config cfg.json "$tested" --sweep sweep.json --out sweep --gather --threads 1
expect_same kept.html sweep/0002/report.html
run 0 "$CNNTRAIN" --config cfg.json "$tested" --sweep sweep.json --out bare --no-report -q
[ -z "$(find bare -name report.html)" ] || fail "expected no reports"

# a run is finished without its report: exit code 0, one line, nothing half-written
warned() {
    [ "$(grep -c '^cnntrain: ' stderr)" -eq 1 ] || fail "expected one warning"
    expect_stderr "^cnntrain: the run is finished, but has no report: $1"
    expect_no_file kept-run/report.html
    [ -z "$(find kept-run -name '*.tmp.*')" ] || fail "expected no temporary files"
}
run 0 "$CNNTRAIN" --config cfg.json --out kept-run --no-report -q
case ${SANITIZE-} in
*thread*) ;;
*)
    last="a full disk"
    (
        ulimit -f 8
        exec "$CNNTRAIN" --config cfg.json --out kept-run --resume
    ) >stdout 2>stderr || fail "expected exit code 0 on a full disk"
    warned 'kept-run/report.html: File too large'
    ;;
esac
cp kept-run/summary.json summary.json
printf '{"version": "1"}\n' >kept-run/summary.json
run 0 "$CNNTRAIN" --config cfg.json --out kept-run --resume
warned 'kept-run/summary.json: classes: expected two texts, found nothing'
cp summary.json kept-run/summary.json
# a busy directory: the claim of a program on another machine, which changes as long as it runs
claim=kept-run/.lock.a.0000000000000000
while :; do
    printf 'holder    %020d\n17 elsewhere\nunlocked somewhere\n' "$(date +%N)" >claim
    mv claim $claim
    sleep 0.1
done &
background=$!
run 0 "$CNNTRAIN" --config cfg.json --out kept-run --resume
warned 'kept-run: another run \(process 17 on elsewhere\) is using'
kill "$background"
wait "$background" 2>/dev/null
background=
rm -f claim $claim
if [ "$(id -u)" -ne 0 ]; then
    chmod 555 kept-run
    run 0 "$CNNTRAIN" --config cfg.json --out kept-run --resume
    warned 'kept-run/'
    chmod 755 kept-run
fi

# images that are not there any more: the report says so
mv data elsewhere
run 0 "$CNNTRAIN" --config cfg.json --out kept-run --resume
expect_file kept-run/report.html
compare kept-run 10
mv elsewhere data

# names that others chose are text
hostile='<script>alert(1)</script>'
mkdir -p "names/$(printf 'x"onload="y')" names/'<b>&amp;'
i=0
for image in data/left/*.pgm; do
    cp "$image" "names/<b>&amp;/$(printf '\342\200\256')$i'\"<img src=x>.pgm"
    i=$((i + 1))
done
for image in data/right/*.pgm; do
    cp "$image" "names/x\"onload=\"y/$(printf '\377')$i.pgm"
    i=$((i + 1))
done
run 0 "$CNNTRAIN" --config cfg.json data.train=names augment.shift=0.1 --out "$(printf '<i>\t')"
page="$(printf '<i>\t')/report.html"
expect_file "$page"
for markup in '<script' '<b>' '<i>' '<img src=x' 'onload="y' "$(printf '\342\200\256')" "$(printf '\377')"; do
    if grep -aqF -e "$markup" "$page"; then fail "expected no $markup on the page"; fi
done
grep -qF '&lt;b&gt;&amp;amp;' "$page" || fail "expected the name of the class as text"

finish
