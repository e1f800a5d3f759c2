# shellcheck shell=sh disable=SC1091,SC2034,SC2154
# cnnpredict: rows, formats, order, inputs that fail.
. "$SOURCE/tests/cli/lib.sh"
tab=$(printf '\t')
newline='
'
train_model run
model=run/model.bin
left=data/left/00000.pgm
right=data/right/00001.pgm

# predict EXIT ARGUMENT...
predict() {
    code_wanted=$1
    shift
    run "$code_wanted" "$CNNPREDICT" $model "$@"
}

# --- formats
predict 0 $left $right
expect_no_stderr
cp stdout rows.tsv
expect_in_stdout "^$left	left	[0-9.e-]+	ok\$"
expect_in_stdout "^$right	right	[0-9.e-]+	ok\$"
[ "$(wc -l <rows.tsv)" -eq 2 ] || fail "expected two rows"
[ "$(cut -f1 rows.tsv)" = "$left$newline$right" ] || fail "expected the order of the inputs"
low=$(sed -n 1p rows.tsv | cut -f3)
high=$(sed -n 2p rows.tsv | cut -f3)
awk "BEGIN { exit !($low >= 0 && $low < 0.5 && $high >= 0.5 && $high <= 1) }" ||
    fail "expected probabilities of the second class, got $low and $high"

predict 0 $left $right --format tsv
expect_same stdout rows.tsv
predict 0 --format csv $left $right
expect_stdout "path,label,probability,status
$left,left,$low,ok
$right,right,$high,ok"
predict 0 $left -f jsonl $right
expect_stdout "{\"path\":\"$left\",\"label\":\"left\",\"probability\":$low,\"status\":\"ok\"}
{\"path\":\"$right\",\"label\":\"right\",\"probability\":$high,\"status\":\"ok\"}"

# --- inputs that fail
echo "no picture" >text.pgm
: >empty.pgm
reason='No such file or directory'
predict 6 $right missing.pgm $left
expect_stdout "$right${tab}right$tab$high${tab}ok
missing.pgm$tab$tab$tab$reason
$left${tab}left$tab$low${tab}ok"
expect_one_message
expect_stderr '^cnnpredict: 1 input failed'
predict 6 missing.pgm $left --format csv
expect_stdout "path,label,probability,status
missing.pgm,,,$reason
$left,left,$low,ok"
predict 6 missing.pgm $left --format jsonl
expect_stdout "{\"path\":\"missing.pgm\",\"label\":null,\"probability\":null,\"status\":\"$reason\"}
{\"path\":\"$left\",\"label\":\"left\",\"probability\":$low,\"status\":\"ok\"}"
predict 6 --quiet missing.pgm text.pgm empty.pgm
expect_no_stderr
[ "$(wc -l <stdout)" -eq 3 ] || fail "expected three rows"
[ "$(awk -F '\t' '$2 == "" && $3 == "" && $4 != "" && $4 != "ok"' stdout | wc -l)" -eq 3 ] ||
    fail "expected a reason in every row"
predict 6 missing.pgm text.pgm
expect_stderr '^cnnpredict: 2 inputs failed'
predict 6 ''
[ "$(wc -l <stdout)" -eq 1 ] || fail "expected a row for an empty path"
if [ -e /dev/null ]; then
    predict 6 /dev/null
    expect_in_stdout '^/dev/null	'
fi

# --- folders: sorted, at any depth
mkdir -p tree/b/deep tree/a tree/none
cp $left tree/b/deep/2.pgm
cp $right tree/b/10.pgm
cp $left tree/a/z.pgm
cp $right tree/c.pgm
predict 0 tree
[ "$(cut -f1 stdout)" = "tree/a/z.pgm
tree/b/10.pgm
tree/b/deep/2.pgm
tree/c.pgm" ] || fail "expected the files of the folder in sorted order"
predict 0 $right tree/a $left tree/b/
[ "$(cut -f1 stdout)" = "$right
tree/a/z.pgm
$left
tree/b/10.pgm
tree/b/deep/2.pgm" ] || fail "expected folders and files in the order of the arguments"
# the missing part of a truncated file is not what the memory contained before
head -c 30 $right >short.pgm
predict 6 $left short.pgm
expect_in_stdout '^short.pgm			.'
predict 6 tree/none $left
expect_in_stdout '^tree/none			expected images, found an empty folder$'
expect_in_stdout "^$left	left	"
predict 6 data text.pgm
[ "$(wc -l <stdout)" -eq 81 ] || fail "expected 81 rows"
right_ones=$(awk -F '\t' '$4 == "ok" && index($1, "/" $2 "/")' stdout | wc -l)
[ "$right_ones" -ge 76 ] || fail "expected a model that tells left from right, got $right_ones of 80"

# --- paths from stdin
printf '%s\n' $right missing.pgm '' tree/a/z.pgm $left >paths
last="cnnpredict - <paths"
"$CNNPREDICT" $model - <paths >stdout 2>stderr
[ $? -eq 6 ] || fail "expected exit code 6"
[ "$(cut -f1 stdout)" = "$right
missing.pgm
tree/a/z.pgm
$left" ] || fail "expected the paths of stdin in their order"
printf %s $left | "$CNNPREDICT" $model $right - tree/c.pgm >stdout 2>stderr || fail "expected exit code 0"
[ "$(cut -f1 stdout)" = "$right
$left
tree/c.pgm" ] || fail "expected stdin between the arguments, its last line without a newline"
"$CNNPREDICT" $model - </dev/null >stdout 2>stderr || fail "expected exit code 0 for no paths"
expect_stdout ""
"$CNNPREDICT" $model - --format csv </dev/null >stdout 2>stderr || fail "expected exit code 0 for no paths"
expect_stdout "path,label,probability,status"

# lists as other systems write them: CRLF, a byte order mark
from_stdin() {
    code_wanted=$1
    shift
    last="cnnpredict - $* <paths"
    "$CNNPREDICT" $model - "$@" <paths >stdout 2>stderr
    [ $? -eq "$code_wanted" ] || fail "expected exit code $code_wanted"
}
printf '\357\273\277%s\r\n\r\n%s\r\n%s\r' $right missing.pgm $left >paths
from_stdin 6
expect_stdout "$right${tab}right$tab$high${tab}ok
missing.pgm$tab$tab$tab$reason
$left${tab}left$tab$low${tab}ok"
printf '\357\273\277' >paths
from_stdin 0
expect_stdout ""
printf '%s\n' $right | iconv -f UTF-8 -t UTF-16 >paths
from_stdin 1
expect_stdout ""
expect_stderr '^cnnpredict: standard input: expected paths in UTF-8, found UTF-16; convert it with iconv'

# zero bytes separate paths, which may contain newlines and end in a carriage return
lines="of
lines.pgm"
return=$(printf 'return.pgm\r')
cp $left "$lines"
cp $right "$return"
printf '%s\0' "$lines" $right '' "$return" missing.pgm >paths
printf %s $left >>paths
from_stdin 6
expect_stdout "of\nlines.pgm${tab}left$tab$low${tab}ok
$right${tab}right$tab$high${tab}ok
return.pgm\r${tab}right$tab$high${tab}ok
missing.pgm$tab$tab$tab$reason
$left${tab}left$tab$low${tab}ok"
find data -name '*.pgm' -print0 >paths
from_stdin 0
[ "$(wc -l <stdout)" -eq 80 ] || fail "expected 80 rows"
# a list that turns out not to be one of lines does not lose paths silently
dots=$(printf './%.0s' $(seq 1 500))
for i in $(seq 1 80); do echo "$dots$left"; done >paths
printf '%s\0%s\0' $right $right >>paths
from_stdin 1
[ "$(wc -l <stdout)" -eq 80 ] || fail "expected 80 rows"
expect_stderr "^cnnpredict: standard input: expected a path on each line, as before, found a zero byte after \"$right\"\$"

# a row comes out before stdin is closed
mkfifo questions answers
"$CNNPREDICT" $model - <questions >answers 2>stderr &
background=$!
exec 3>questions 4<answers
for path in $left $right; do
    echo "$path" >&3
    row=
    last="a row for $path while stdin is open"
    IFS= read -r row <&4
    [ "${row%%"$tab"*}" = "$path" ] || fail "expected a row at once"
done
exec 3>&-
wait "$background" || fail "expected exit code 0"
background=
exec 4<&-

# --- threshold
predict 0 $left $right --threshold 0
[ "$(cut -f2 stdout)" = "right${newline}right" ] || fail "expected class 1 from probability 0 on"
predict 0 $left $right --threshold 1
[ "$(cut -f2 stdout)" = "left${newline}left" ] || fail "expected class 0 below probability 1"
predict 0 $right --threshold "$high"
expect_stdout "$right${tab}right$tab$high${tab}ok"

# --- awkward names
odd="odd, \"name\"${tab}with\\all
of it.pgm"
cp $left "$odd"
predict 0 "$odd"
expect_stdout "odd, \"name\"\\twith\\\\all\\nof it.pgm${tab}left$tab$low${tab}ok"
predict 0 "$odd" --format csv
expect_stdout "path,label,probability,status
\"odd, \"\"name\"\"${tab}with\\all
of it.pgm\",left,$low,ok"
predict 0 "$odd" --format jsonl
expect_stdout "{\"path\":\"odd, \\\"name\\\"\\u0009with\\\\all\\u000aof it.pgm\",\"label\":\"left\",\"probability\":$low,\"status\":\"ok\"}"
cp $left ./-dash.pgm
predict 0 -- -dash.pgm
predict 0 ./-dash.pgm

# two names that are not UTF-8 stay two
mkdir latin1
cp $left "latin1/$(printf 'a\344.pgm')"
cp $right "latin1/$(printf 'a\366.pgm')"
predict 0 latin1 --format jsonl
expect_stdout "{\"path\":\"latin1/a\\udce4.pgm\",\"label\":\"left\",\"probability\":$low,\"status\":\"ok\"}
{\"path\":\"latin1/a\\udcf6.pgm\",\"label\":\"right\",\"probability\":$high,\"status\":\"ok\"}"
if command -v python3 >/dev/null; then # the way back, as the manual page shows it
    cp stdout rows.jsonl
    find latin1 -name '*.pgm' | sort >paths
    python3 -c 'import json, sys
for line in sys.stdin:
    path = json.loads(line)["path"].encode("utf-8", "surrogateescape")
    sys.stdout.buffer.write(path + b"\0")' <rows.jsonl >back
    tr '\0' '\n' <back | cmp -s - paths || fail "expected the names back"
    cp back paths
    from_stdin 0 --format jsonl
    expect_same stdout rows.jsonl
fi

# --- names in another Unicode normalization form: é and ế, composed, decomposed, and something between
e=$(printf '\303\251')
e_and_accent=$(printf 'e\314\201')
cp $left "caf$e_and_accent.pgm"
mkdir "$e_and_accent"
cp $right "$e_and_accent/$e.pgm"
predict 0 "caf$e.pgm" "$e/$e_and_accent.pgm" "$PWD/$e//$e_and_accent.pgm"
expect_stdout "caf$e.pgm${tab}left$tab$low${tab}ok
$e/$e_and_accent.pgm${tab}right$tab$high${tab}ok
$PWD/$e//$e_and_accent.pgm${tab}right$tab$high${tab}ok"
printf '%s\n' "$e/$e.pgm" >paths
from_stdin 0
expect_stdout "$e/$e.pgm${tab}right$tab$high${tab}ok"
predict 0 "$e"
expect_stdout "$e_and_accent/$e.pgm${tab}right$tab$high${tab}ok"
# the exact name comes first
cp $right "caf$e.pgm"
predict 0 "caf$e.pgm" "caf$e_and_accent.pgm"
[ "$(cut -f2 stdout)" = "right${newline}left" ] || fail "expected the files with exactly these names"
# which of two is meant cannot be known; another letter is another name
cp $left "$(printf 'v\341\272\277.pgm')"
cp $left "$(printf 've\314\202\314\201.pgm')"
predict 6 "$(printf 'v\303\252\314\201.pgm')" "caf$(printf '\303\250').pgm"
[ "$(cut -f4 stdout)" = "$reason$newline$reason" ] || fail "expected no file for these names"

# --- paths that are too long
name=$(printf '%0200d' 0)
predict 6 "$name$name"
expect_stdout "$name$name$tab$tab${tab}File name too long"
(
    mkdir deep && cd deep || exit 1
    for i in $(seq 1 25); do mkdir "$name" && cd "$name" || exit 1; done
)
predict 6 deep
expect_in_stdout "^deep$tab$tab${tab}deep/0+.*…0+.*0: File name too long\$"
predict 6 "$name$name" -f jsonl --threads 1
expect_in_stdout '"status":"File name too long"\}$'
# … nor is the path twice in the row of an argument that cannot be looked at
ln -s loop loop
predict 6 loop
expect_stdout "loop$tab$tab${tab}Too many levels of symbolic links"

# --- large images: the limit of the model, or the option
run 0 "$CNNTRAIN" --config cfg.json image.max_megapixels=0.001 --quiet --out small
{
    printf 'P5\n40 40\n255\n'
    head -c 1600 /dev/zero
} >large.pgm
run 6 "$CNNPREDICT" small/model.bin large.pgm $left
expect_in_stdout "^large.pgm$tab$tab${tab}expected at most 0.001 megapixels \(--max-megapixels\), found 0.0016: 40×40\$"
expect_in_stdout "^$left$tab[a-z]*$tab[0-9.e-]*${tab}ok\$"
run 0 "$CNNPREDICT" small/model.bin large.pgm $left --max-megapixels 0.0016
run 6 "$CNNPREDICT" $model large.pgm $left --max-megapixels 0.001
expect_in_stdout "^large.pgm$tab$tab${tab}expected at most 0.001 megapixels \(--max-megapixels\), found 0.0016: 40×40\$"

# --- more than a thousand in one call, on one thread and on several
make_data many 1100
predict 0 many --threads 1
[ "$(wc -l <stdout)" -eq 1100 ] || fail "expected 1100 rows"
cp stdout one-thread
cut -f1 stdout | sort -c || fail "expected sorted rows"
predict 0 many --threads 2
expect_same one-thread stdout
predict 0 many
expect_same one-thread stdout
find many -name '*.pgm' | sort >paths
"$CNNPREDICT" $model - <paths >stdout 2>stderr || fail "expected exit code 0"
expect_same one-thread stdout

# --- a reader that closes the pipe
"$CNNPREDICT" $model many 2>stderr | head -n 1 >stdout
[ "$(wc -l <stdout)" -eq 1 ] || fail "expected one row through head"

finish
