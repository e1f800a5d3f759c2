# shellcheck shell=sh disable=SC1091,SC2034,SC2154
# report.html on the files of the images: sizes, formats, warnings; from a sample, from data_report.csv, and of files that are gone.
. "$SOURCE/tests/cli/lib.sh"
make_data data 80
write_config cfg.json

# text DIR: the section on data, a line for each row, item, name and paragraph, without markup.
text() {
    tr '\n' ' ' <"$1/report.html" | sed 's/.*<section id="data"//; s/<\/section>.*//; s/<\/p>/\n/g; s/<\(tr\|li\|dt\|p\|h3\)\([ >]\)/\n<\1\2/g' |
        sed 's/<\/\{0,1\}code>//g; s/<[^>]*>/ /g; s/  */ /g; s/ $//; s/^ //'
}
# shows LINE...: each is a line of the section, which page has made.
shows() {
    for line in "$@"; do
        grep -Fxq -e "$line" section || fail "expected the line \"$line\" in: $(cat section)"
    done
}
shows_not() {
    if grep -Eq -e "$1" section; then fail "expected no \"$1\" in: $(cat section)"; fi
}
# page DIR ARGUMENT...: makes the report of a run, again if it has one.
page() {
    rm -f "$1/report.html"
    run 0 "$CNNTRAIN" --config cfg.json --out "$@" --resume
    text "$1" >section
}

page plain
shows 'From the headers of all 80 images, read when this page was made.' 'left 12 × 12 12 × 12 12 × 12 1' 'all 12 × 12 12 × 12 12 × 12 1' \
    'Formats 80 PNM' 'Colours 80 grey' 'Turned upright (EXIF orientation) 0' 'Nothing was found.'
shows_not 'evenly spaced'

# sizes, modes, and a warning of each kind; the same bytes on any number of threads
printf 'P6 20 9 255\n' >data/left/large.ppm && head -c 540 /dev/urandom >>data/left/large.ppm
printf 'P5 6 7 255\n' >data/right/small.pgm && head -c 42 /dev/urandom >>data/right/small.pgm
printf 'P5 40 40 255\n' >data/right/flat.pgm && head -c 1600 /dev/zero >>data/right/flat.pgm
printf 'P5 12 12 255\n' >data/right/named.png && head -c 144 /dev/urandom >>data/right/named.png
page kinds
cp kinds/report.html kept.html
shows 'From the headers of all 84 images, read when this page was made.' 'left 12 × 12 12 × 12 20 × 9 2' 'right 6 × 7 12 × 12 40 × 40 3' \
    'all 6 × 7 12 × 12 40 × 40 4' 'Formats 84 PNM' 'Colours 83 grey, 1 RGB' \
    '2 of 84 images are smaller than what the network sees: data/left/large.ppm , data/right/small.pgm' \
    '1 of 84 images are of another format than their name says: data/right/named.png' \
    '1 of 84 images have one colour all over: data/right/flat.pgm'
for threads in 1 3; do
    page kinds --threads $threads
    expect_same kept.html kinds/report.html
done

# what --check-data has found before, if it is about these images; its own words, its own numbers
run 0 "$CNNTRAIN" --config cfg.json --out kinds --check-data
page kinds
shows 'From data_report.csv, in which cnntrain --check-data has listed 84 images.' 'all 6 × 7 12 × 12 40 × 40 4' 'Colours 83 grey, 1 RGB' \
    '2 of 84 images are smaller than what the network sees: data/left/large.ppm , data/right/small.pgm' \
    '1 of 84 images have one colour all over: data/right/flat.pgm'
cp kinds/data_report.csv table.csv
# of a table that is damaged, or about other images, the page says so, and looks itself
unused() {
    page kinds
    shows "From the headers of all 84 images, read when this page was made. There is also a data_report.csv, which was not used: $1." \
        '1 of 84 images have one colour all over: data/right/flat.pgm'
}
sed '7s/PNM/GIF/' table.csv >kinds/data_report.csv
unused 'line 7 is not as --check-data writes it'
sed '9s/,[^,]*$/,what/; 9s/,,what/,strange,/' table.csv >kinds/data_report.csv
unused 'line 9 is not as --check-data writes it'
sed '1s/content/contents/' table.csv >kinds/data_report.csv
unused 'it is no table of --check-data'
: >kinds/data_report.csv
unused 'it is no table of --check-data'
sed 20d table.csv >kinds/data_report.csv
unused 'it is about other images'
sed '/flat/s/0*\([0-9a-f]\{8\}\),,,,/f\1,,,,/' table.csv >kinds/data_report.csv
cmp -s table.csv kinds/data_report.csv && fail "expected another content"
unused 'it is about other images'
rm kinds/data_report.csv
cp table.csv data/data_report.csv
page kinds
shows 'From data_report.csv, in which cnntrain --check-data has listed 84 images.'
rm data/data_report.csv

# files that are gone, cut short, or others now
rm data/left/large.ppm
head -c 30 data/right/small.pgm >cut && mv cut data/right/small.pgm
printf 'P5 40 40 255\n' >data/right/flat.pgm && head -c 1600 /dev/urandom >>data/right/flat.pgm
page kinds
shows '1 of 82 images have changed since the run: data/right/flat.pgm' 'From the headers of all 84 images, read when this page was made.'
lost='data/left/large.ppm (No such file or directory), data/right/small.pgm (the PNM file is cut short: expected 42 bytes'
grep -qF "2 of 84 images cannot be read any more: $lost" section || fail "expected two images to be lost: $(cat section)"
grep -q '^Pixels were checked in all 82 images that can be read' section || fail "expected 82 images: $(cat section)"
mv data elsewhere
page kinds
grep -q '^84 of 84 images cannot be read any more: ' section || fail "expected that all images are gone: $(cat section)"
shows_not '^all '
mv elsewhere data

# more than are looked at: an evenly spaced sample, whose size is stated
make_data many 1200
page sample data.train=many train.epochs=1
shows 'From the headers of 1,000 of 1,200 images, evenly spaced, read when this page was made.' 'Formats 1,000 PNM'
grep -q '^Pixels were checked in 200 of 1,200 images, evenly spaced' section || fail "expected a sample: $(cat section)"

# copies that are left in on demand; 16 bits; alpha
make_data copies 80
cp copies/left/"$(ls copies/left | head -n 1)" copies/right/copy.pgm
page copies-run data.train=copies data.duplicates=allow
grep -q '^2 of 81 images have an exact copy with the other label: copies/left/.*, copies/right/copy.pgm' section ||
    fail "expected copies: $(cat section)"
make_deep_data deep 80
page deep-run data.train=deep
grep -q '^the values of the 16-bit images are close together: .* set image.range to &quot;stretch&quot;' section || fail "expected 16 bits: $(cat section)"
shows 'Colours 80 grey 16 bit'
# a table has no values of 16 bits: they are those of a sample
"$CNNTRAIN" --config cfg.json data.train=deep --check-data --out deep >/dev/null 2>&1 || fail "expected a table"
page deep-table data.train=deep
grep -q '^the values of the 16-bit images are close together: .* (as 80 of the images show)$' section || fail "expected 16 bits: $(cat section)"
rm deep/data_report.csv
page stretched data.train=deep image.range=stretch --folds 2
shows_not 'stretch'
shows 'From the headers of all 80 images, read when this page was made.' 'Nothing was found.'
make_clear_data clear 80
page clear-run data.train=clear
grep -q '^80 of 80 images have one colour, and their shape only in the alpha' section || fail "expected alpha: $(cat section)"
grep -q '^to see the shapes in the alpha channels, set image.alpha to ' section || fail "expected advice on alpha: $(cat section)"

# the files of a set are on its own page
text stretched/fold-1 >section
shows_not 'headers'

# images in an archive, if archives can be read, and in arrays
(cd many && tar cf ../many.tar left right)
if "$CNNTRAIN" --config cfg.json data.train=many.tar --out tar train.epochs=1 -q 2>stderr; then
    page tar data.train=many.tar train.epochs=1
    shows 'From the headers of 1,000 of 1,200 images, evenly spaced, read when this page was made.' 'all 12 × 12 12 × 12 12 × 12 1' 'Nothing was found.'
    rm many.tar
    page tar data.train=many.tar train.epochs=1
    grep -q '^1,000 of 1,000 images cannot be read any more: many.tar/left/.* (.*), ' section || fail "expected that the archive is gone: $(cat section)"
elif ! grep -q libarchive stderr; then
    fail "expected to read an archive: $(cat stderr)"
fi
mkdir arrays
{
    printf '\0\0\10\3\0\0\2\130\0\0\0\14\0\0\0\14'
    for image in many/left/*; do tail -c 144 "$image"; done
} >arrays/train-images-idx3-ubyte
{
    printf '\0\0\10\1\0\0\2\130'
    for _ in many/left/*; do printf '\0\1'; done | head -c 600
} >arrays/train-labels-idx1-ubyte
page idx data.train=arrays train.epochs=1
shows 'From the headers of 200 of 600 images, evenly spaced, read when this page was made.' 'all 12 × 12 12 × 12 12 × 12 1' 'Formats 200 PNM'

finish
