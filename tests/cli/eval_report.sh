# shellcheck shell=sh disable=SC1091,SC2034,SC2154
# cnneval --report: the page has the figures of the JSON and hostile names as text; images that are missing or have
# changed; few images, one class, 10,000 large images; a file that cannot be written. And the same pictures in the
# reports of runs and folds.
. "$SOURCE/tests/cli/lib.sh"
make_data data 60
write_config cfg.json
make_data test 40 5
mislabel test 4
run 0 "$CNNTRAIN" --config cfg.json --out weak -q train.epochs=1 train.batch_size=60 data.test=test
run 0 "$CNNTRAIN" --config cfg.json --out good -q train.epochs=20

# expect_page FILE PATTERN, expect_not_on_page FILE PATTERN
expect_page() { grep -Eq -e "$2" "$1" || fail "expected in $1: $2"; }
expect_not_on_page() { ! grep -Eq -e "$2" "$1" || fail "expected not in $1: $2"; }
# expect_whole FILE: it ends as a page does, names each section once, and refers to nothing outside.
expect_whole() {
    [ "$(tail -c 8 "$1")" = "</html>" ] || fail "expected the end of a page in $1"
    for section in verdict evaluation threshold pictures labels; do
        [ "$(grep -o "<section id=\"$section\"" "$1" | wc -l)" -eq 1 ] || fail "expected the section $section in $1"
    done
    expect_not_on_page "$1" '(href|src)="[^#d]|<script|url\('
}
# expect_figures FILE: every figure of the page that says where it is from is that of the JSON in stdout, intervals
# included; counts of images are those of the whole evaluation.
expect_figures() {
    grep -o '<data value="[^"]*" data-from="model\.[^"]*"' "$1" |
        sed 's/.*value="\([^"]*\)" data-from="model\.\([^"]*\)"/\2 \1/' | sort -u >figures
    [ "$(wc -l <figures)" -gt 30 ] || fail "expected more than 30 figures in $1"
    sed 's/.*"model":{"path":"[^"]*",//; s/,"other":{.*//' stdout >model.json
    while read -r place value; do
        case $place in
        images) grep -q "\"images\":$value," stdout ;;
        interval_95.*)
            name=$(echo "$place" | cut -d . -f 2)
            end=$(echo "$place" | cut -d . -f 3)
            pair=$(sed 's/.*"interval_95"//' model.json | grep -o "\"$name\":\[[^]]*\]" | head -n 1)
            [ "$(echo "$pair" | sed 's/.*\[//; s/\]//' | cut -d , -f $((end + 1)))" = "$value" ]
            ;;
        threshold) awk "BEGIN { d = $value - $(grep -o '"threshold":[0-9.e-]*' model.json | cut -d : -f 2)
                                exit !(d < 1e-7 && d > -1e-7) }" ;;
        *) [ "$(sed 's/"interval_95".*//' model.json | grep -o "\"$place\":[-0-9.e]*" | cut -d : -f 2)" = "$value" ] ;;
        esac || fail "$1: $place is $value, but not in the JSON"
    done <figures
}

# --- the figures; the same bytes with any number of threads; nothing of the machine's folders
run 0 "$CNNEVAL" weak/model.bin test -f json --report page.html
expect_no_stderr
expect_whole page.html
expect_figures page.html
run 0 "$CNNEVAL" weak/model.bin test -q --threads 3 --report again.html
expect_same page.html again.html
run 0 "$CNNEVAL" "$work/weak/model.bin" "$work/test" -q --report again.html
expect_not_on_page again.html "$work"
expect_page again.html '>weak/model.bin<'
expect_page again.html '>(left|right)/<wbr>[lr]?[0-9]+.pgm<'
expect_page page.html "<code>$(sha256sum weak/model.bin | cut -d ' ' -f 1)</code>"
# six pictures of mistakes at most in each class, each with a map
[ "$(grep -o '<img' page.html | wc -l)" -gt 12 ] || fail "expected pictures"
expect_page page.html 'alt="the map of the image"'

# --- two models: about the first, with the tests
run 0 "$CNNEVAL" weak/model.bin test --compare good/model.bin -f json --report both.html
expect_whole both.html
expect_figures both.html
p=$(grep -o '"mcnemar":{[^}]*}' stdout | grep -o '"p":[0-9.e-]*' | cut -d : -f 2)
expect_page both.html "p = $(awk "BEGIN { printf \"%.4g\", $p }") \\(McNemar&#39;s test"
expect_page both.html "DeLong&#39;s test"
expect_page both.html '>good/model.bin<'
expect_not_on_page page.html McNemar

# --- hostile names: text, in every place
i=0
for name in '<script>alert(1)<\script>.pgm' '"><img src=x onerror=alert(1)>.pgm' "'onload='x'.pgm" '&amp;&lt;.pgm' \
    "$(printf '\342\200\256mgp.tac.pgm')" "$(printf '\377\376.pgm')" "$(printf '%0240d.pgm' 0)" "$(printf 'a\tb\033[31m.pgm')"; do
    for label in left right; do
        i=$((i + 1))
        mkdir -p "hostile/$label"
        cp "$(find "data/$label" -name '*.pgm' | sort | sed -n "${i}p")" "hostile/$label/$name"
    done
done
run 0 "$CNNEVAL" weak/model.bin hostile -q --report hostile.html
expect_whole hostile.html
expect_not_on_page hostile.html '<img src=x|onerror=alert\(1\)>\.|<script'
expect_page hostile.html '&lt;script&gt;alert\(1\)&lt;'
LC_ALL=C expect_not_on_page hostile.html "$(printf '\342\200\256')"
LC_ALL=C expect_not_on_page hostile.html "$(printf '[\033\377]')"
mkdir classes
cp -r data/left "classes/<script>"
cp -r data/right 'classes/"b" & c'
sed 's/"train": "data"/"train": "classes"/' cfg.json >classes.json
run 0 "$CNNTRAIN" --config classes.json --out hostile-run -q train.epochs=1
run 0 "$CNNEVAL" hostile-run/model.bin classes -q --report classes.html
expect_whole classes.html
expect_page classes.html '&lt;script&gt;'
expect_page classes.html '&quot;b&quot; &amp; c'

# --- images that cannot be read are left out, and their number is stated
cp -r test damaged
echo "no picture" >damaged/left/broken.pgm
run 6 "$CNNEVAL" weak/model.bin damaged -q --report damaged.html
expect_whole damaged.html
expect_page damaged.html '<dt>Left out: cannot be read</dt><dd>1</dd>'

# --- few images: one of each class, one class only, one image
mkdir -p two/left two/right one/left one/right
cp test/left/00000.pgm two/left/
cp "$(find test/right -name '*.pgm' | sort | head -n 1)" two/right/
run 0 "$CNNEVAL" good/model.bin two -q -f json --report two.html
expect_whole two.html
cp two/left/00000.pgm one/left/
printf 'path,label\n%s\n' one/left/00000.pgm,left >one.csv
run 0 "$CNNEVAL" good/model.bin one.csv -q --compare weak/model.bin --report one.html
expect_whole one.html
expect_page one.html 'need images of both classes'
expect_page one.html "DeLong&#39;s test needs two images of each class"
{
    echo path,label
    find test/right -name '*.pgm' | sed 's/$/,right/'
} >right.csv
run 0 "$CNNEVAL" good/model.bin right.csv -q --report right.html
expect_whole right.html
sed 's/data:image[^"]*//g' right.html one.html >words
expect_not_on_page words '(nan|inf)[^a-z]'

# --- a page that cannot be written: exit code 1, one line, no part of it; an old page stays
run 1 "$CNNEVAL" weak/model.bin test -q --report missing/page.html
expect_one_message
expect_stderr '^cnneval: missing/page.html: No such file or directory'
mkdir folder.html
run 1 "$CNNEVAL" weak/model.bin test -q --report folder.html
expect_one_message
case ${SANITIZE-} in
*thread*) ;;
*)
    cp page.html kept.html
    (
        ulimit -f 8
        exec "$CNNEVAL" weak/model.bin test -q --report kept.html
    ) >stdout 2>stderr
    code=$?
    [ "$code" -eq 1 ] || fail "expected exit code 1 on a full disk, got $code"
    expect_stderr '^cnneval: kept.html: File too large'
    expect_same page.html kept.html
    [ -z "$(find . -name '*.tmp.*')" ] || fail "expected no temporary files"
    ;;
esac

# --- many images of noise, which no format compresses, as large as pictures are: the page has at most 3 MB. There are as many
# pictures, maps and points of curves with 1,000 images as with 10,000, of which CNN_TEST_SOAK=1 makes a page
images=1000
[ -z "$soak" ] || images=10000
mkdir -p large/left large/right
for class in left right; do
    mkdir -p "noisy/$class"
    for i in 0 1 2 3 4 5 6 7 8 9; do
        {
            printf 'P6\n160 160\n255\n'
            head -c 76800 /dev/urandom
        } >"noisy/$class/$i.ppm"
    done
    find "noisy/$class" -name '*.ppm' | sort >sources
    awk -v class="$class" -v images="$images" '{ source[NR - 1] = $0 }
        END { for (i = 0; i < images / 2; i++) printf "%s large/%s/%0200d.ppm\n", source[i % NR], class, i }' sources |
        xargs -n 2 ln
done
# the threshold in the middle, so that there are mistakes of both classes
run 0 "$CNNEVAL" good/model.bin noisy -q --rows noisy.csv
middle=$(tail -n +2 noisy.csv | cut -d , -f 4 | sort -g | sed -n 10p)
run 0 "$CNNEVAL" good/model.bin large -q --threshold "$middle" --report large.html
[ "$(grep -o '<img' large.html | wc -l)" -ge 48 ] || fail "expected all pictures and maps"
expect_whole large.html
size=$(wc -c <large.html)
echo "a page about $images images of noise has $size bytes"
[ "$size" -le 3000000 ] || fail "expected at most 3,000,000 bytes, found $size"
expect_page large.html 'data:image/jpeg'

# --- the report of a run: a file that is gone and one that has changed have the reason in their place
run 0 "$CNNTRAIN" --config cfg.json --out seen -q train.epochs=1 train.batch_size=60 data.test=test
expect_page seen/report.html '<section id="pictures"'
expect_not_on_page seen/report.html 'Not shown'
find test/left -name '*.pgm' | while read -r image; do cp "data/right/00001.pgm" "$image"; done
rm test/right/*
rm seen/report.html
run 0 "$CNNTRAIN" --config cfg.json --out seen -q train.epochs=1 train.batch_size=60 data.test=test --resume
expect_page seen/report.html 'Not shown: .*No such file'
expect_page seen/report.html 'Not shown: the file has changed since it was predicted'

# --- folds: all images are checked, with the maps of their own models
run 0 "$CNNTRAIN" --config cfg.json --out folds -q --folds 2
expect_page folds/report.html 'Every image was checked by a model that was not trained on it'
expect_page folds/report.html 'alt="the map of the image"'
expect_page folds/fold-1/report.html 'A cross-validation \(<code>--folds 5</code>\) checks all'
finish
