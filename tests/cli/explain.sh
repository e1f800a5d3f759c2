# shellcheck shell=sh disable=SC1091,SC2034,SC2154
# cnnpredict --explain: maps lie on what makes the class, pictures and their names, the same bytes everywhere, inputs and a disk that fail.
. "$SOURCE/tests/cli/lib.sh"

# make_patches FOLDER COUNT SEED: COUNT images of 28 x 28 pixels of noise in FOLDER/empty, and as many with a square of 8 x 8 with stripes in
# FOLDER/patch. Prints "PATH X Y 8" for those.
make_patches() {
    mkdir -p "$1/empty" "$1/patch"
    awk -v folder="$1" -v count="$2" -v state="$3" '
        function draw(most) {
            state = (state * 1103 + 12345) % 1048573
            return int(state % most)
        }
        BEGIN {
            for (image = 0; image < 2 * count; image++) {
                path = sprintf("%s/%s/%03d.pgm", folder, image % 2 ? "patch" : "empty", image)
                left = draw(21)
                top = draw(21)
                print "P2\n28 28\n255" > path
                for (y = 0; y < 28; y++)
                    for (x = 0; x < 28; x++) {
                        on = image % 2 && x >= left && x < left + 8 && y >= top && y < top + 8
                        print (on ? (x % 4 < 2 ? 230 : 20) : 80 + draw(90)) > path
                    }
                close(path)
                if (image % 2)
                    print path, left, top, 8
            }
        }'
}
make_patches train 100 7 >/dev/null
make_patches test 12 99 >patches
# The smallest network of --init for images of this size.
cat >cfg.json <<'JSON'
{
    "data": {"train": "train", "validation": 0.2},
    "image": {"width": 28, "height": 28, "channels": 1},
    "layers": [
        {"type": "conv", "filters": 8, "kernel": 3, "padding": "same"},
        {"type": "batchnorm"},
        {"type": "relu"},
        {"type": "maxpool", "size": 2},
        {"type": "conv", "filters": 16, "kernel": 3, "padding": "same"},
        {"type": "batchnorm"},
        {"type": "relu"},
        {"type": "maxpool", "size": 2},
        {"type": "conv", "filters": 32, "kernel": 3, "padding": "same"},
        {"type": "batchnorm"},
        {"type": "relu"},
        {"type": "residual", "layers": [
            {"type": "conv", "filters": 32, "kernel": 3, "padding": "same"},
            {"type": "batchnorm"},
            {"type": "relu"},
            {"type": "conv", "filters": 32, "kernel": 3, "padding": "same"},
            {"type": "batchnorm"},
            {"type": "relu"}
        ]},
        {"type": "global_avgpool"},
        {"type": "flatten"},
        {"type": "dense", "units": 1},
        {"type": "sigmoid"}
    ],
    "train": {"epochs": 20, "batch_size": 16, "learning_rate": 0.003, "optimizer": "adamw", "seed": 1},
    "output": "run"
}
JSON
run 0 "$CNNTRAIN" --config cfg.json --quiet --no-cache

# --- maps: on the patch, and what they rank first matters most
for method in gradient occlusion; do
    run 0 "$EXPLAIN_QUALITY" run/model.bin $method <patches
    awk -v method=$method '{
        for (i = 1; i < NF; i++)
            value[$i] = $(i + 1)
        exit !(value["images"] == 12 && (method != "gradient" || value["patch"] >= 0.9) && value["patch"] > 0.4 &&
            value["deletion"] < value["cells"] && value["deletion"] < value["pixels"])
    }' stdout || fail "expected maps on the patches, and a faster deletion than a random one"
done

# --- rows are those without pictures, and one column more
run 0 "$CNNPREDICT" run/model.bin test
cp stdout plain
run 0 "$CNNPREDICT" run/model.bin test --explain maps
expect_no_stderr
cp stdout rows
cut -f 1-4 rows | cmp -s - plain || fail "expected the rows of a prediction without pictures"
[ "$(cut -f 5 rows | sort -u | wc -l)" -eq 24 ] || fail "expected 24 pictures"
cut -f 5 rows | while read -r picture; do
    head -c 4 "$picture" | tail -c 3 | grep -q '^PNG$' || fail "expected a PNG: $picture"
done
[ "$(find maps -type f | wc -l)" -eq 24 ] || fail "expected 24 files in maps"

# --- the same bytes with any number of threads, of inputs together, and any instruction set
for threads in 1 2 3 5 8 16; do
    run 0 "$CNNPREDICT" run/model.bin test --explain again --threads $threads
    sed 's|again/|maps/|' stdout | cmp -s - rows || fail "expected the same rows with $threads threads"
    diff -r maps again >/dev/null || fail "expected the same pictures with $threads threads"
done
for isa in generic avx2; do
    rm -rf again
    run 0 env CNN_ISA=$isa "$CNNPREDICT" run/model.bin test --explain again
    diff -r maps again >/dev/null || fail "expected the same pictures with $isa"
done
rm -rf again
run 0 "$CNNPREDICT" run/model.bin test/patch/001.pgm --explain again --no-sandbox
expect_same again/001.pgm.png maps/001.pgm.png
run 0 "$CNNPREDICT" run/model.bin test --explain occluded --explain-method occlusion --threads 2
cut -f 1-4 stdout | cmp -s - plain || fail "expected the same rows with occlusion"
run 0 "$CNNPREDICT" run/model.bin test --explain occluded1 --explain-method occlusion --threads 1
diff -r occluded occluded1 >/dev/null || fail "expected the same pictures by occlusion"
! cmp -s occluded/001.pgm.png maps/001.pgm.png || fail "expected another picture by occlusion"

# --- equal names, names that are not UTF-8, a list, inputs that fail
mkdir -p one two
odd=$(printf 'two/\377 x')
cp test/patch/001.pgm one/x.pgm
cp test/patch/003.pgm two/x.pgm
cp test/patch/005.pgm "$odd"
echo damaged >one/damaged.png
run 6 "$CNNPREDICT" run/model.bin one two missing.png --explain named --format csv
expect_in_stdout '^path,label,probability,status,picture'
expect_in_stdout '^one/x.pgm,patch,.*,ok,named/x.pgm.png'
expect_in_stdout '^two/x.pgm,patch,.*,ok,named/x.pgm-2.png'
expect_in_stdout '^one/damaged.png,,,.*,.?$'
expect_in_stdout '^missing.png,,,.*,.?$'
expect_file "$(printf 'named/\377 x.png')"
expect_same named/x.pgm.png maps/001.pgm.png
[ "$(find named -type f | wc -l)" -eq 3 ] || fail "expected three pictures"
last="a list on standard input"
printf 'two/x.pgm\none/x.pgm\nmissing.png\n' | "$CNNPREDICT" run/model.bin - --explain listed --format jsonl >stdout 2>stderr
[ $? -eq 6 ] || fail "expected exit code 6"
expect_in_stdout '"two/x.pgm".*"picture":"listed/x.pgm.png"'
expect_in_stdout '"one/x.pgm".*"picture":"listed/x.pgm-2.png"'
expect_in_stdout '"missing.png".*"picture":null'

# --- a folder that cannot be used, options
echo file >file
run 1 "$CNNPREDICT" run/model.bin test --explain file
expect_one_message
expect_stderr '^cnnpredict: file: '
expect_stdout ''
run 2 "$CNNPREDICT" run/model.bin test --explain maps --explain-method shap
expect_stderr 'gradient'
mkdir -p taken/001.pgm.png
run 1 "$CNNPREDICT" run/model.bin test/patch --explain taken
expect_stderr '^cnnpredict: taken/001.pgm.png: '

# --- a full disk: earlier pictures stay, no part of a file is left
case ${SANITIZE-} in
*thread*) finish ;;
esac
cp -r maps full
last="cnnpredict --explain full, files of at most one block"
(
    ulimit -f 1
    exec "$CNNPREDICT" run/model.bin test --explain full --explain-method occlusion
) >stdout 2>stderr
[ $? -eq 1 ] || fail "expected exit code 1"
expect_stderr '^cnnpredict: full/[0-9a-z.]+: File too large'
diff -r maps full >/dev/null || fail "expected the earlier pictures"

# --- the sandbox holds, and the writer ends with the program
if [ -z "${SANITIZE-}" ] && grep -q '^Seccomp_filters:' /proc/self/status 2>/dev/null; then
    mkfifo questions
    "$CNNPREDICT" run/model.bin - --explain maps <questions >answers 2>stderr &
    background=$!
    exec 3>questions
    echo test/patch/001.pgm >&3
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
        [ -s answers ] || sleep 0.5
    done
    expect_file answers
    grep -q '^Seccomp:[[:space:]]*2$' "/proc/$background/status" || fail "expected Seccomp: 2"
    writer=$(cat "/proc/$background/task/$background/children" 2>/dev/null)
    [ -z "$writer" ] || grep -q '^Seccomp:[[:space:]]*2$' "/proc/${writer%% *}/status" || fail "expected Seccomp: 2 of the process that writes"
    kill -KILL "$background"
    exec 3>&-
    wait "$background" 2>/dev/null
    background=
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        [ -z "$writer" ] || ! kill -0 "$writer" 2>/dev/null || sleep 0.5
    done
    [ -z "$writer" ] || ! kill -0 "$writer" 2>/dev/null || fail "expected the process that writes to end"
fi
finish
