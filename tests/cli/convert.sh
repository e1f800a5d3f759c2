# shellcheck shell=sh disable=SC1091,SC2034,SC2154
# cnnconvert: C source, and ONNX files in ONNX Runtime where it is installed, give the probabilities of cnnpredict.
. "$SOURCE/tests/cli/lib.sh"
python=${CNN_TEST_PYTHON:-python3}
make_data data 60
write_config cfg.json
write_every_layer layers.json 1
run 0 "$CNNTRAIN" --config cfg.json image.channels=3 --quiet --out small
run 0 "$CNNTRAIN" --config layers.json --quiet --out layers

# C source: compiled with all warnings, it gives the probabilities of cnnpredict; its buffer and its names are its own
run 0 "$CNNTRAIN" --config cfg.json --quiet --out grey
cat >driver.c <<'END'
#include "grey.h"
#include <stdio.h>
int main(int argc, char **argv) {
    static uint8_t pixels[grey_HEIGHT * grey_WIDTH];
    static float buffer[grey_RAM_BYTES / sizeof(float) + 1];
    int i;
    buffer[grey_RAM_BYTES / sizeof(float)] = 42.0f;
    for (i = 1; i < argc; i++) {
        FILE *file = fopen(argv[i], "rb");
        if (!file || fscanf(file, "P5 12 12 255%*c") != 0 || fread(pixels, 1, sizeof pixels, file) != sizeof pixels) {
            return 1;
        }
        fclose(file);
        printf("%.9g\n", (double)grey_predict_in(pixels, buffer));
    }
    return buffer[grey_RAM_BYTES / sizeof(float)] == 42.0f ? 0 : 1;
}
END
run 0 "$CNNCONVERT" grey/model.bin grey.c
expect_in_stdout '^RAM [0-9]* bytes, flash 564 bytes and code, 3700 multiply-adds$'
run 0 "$CNNCONVERT" layers/model.bin lay_ers.c
for compiler in gcc clang; do
    command -v $compiler >/dev/null || continue
    strict="$compiler -std=c99 -O1 -pedantic -Wall -Wextra -Wconversion -Wshadow -Werror"
    run 0 $strict -ffreestanding -c grey.c -o grey.o
    run 0 $strict -Dlay_ers_SELF_TEST lay_ers.c -o self-test
    run 0 ./self-test
    expect_in_stdout ': ok$'
    run 0 $strict -fsanitize=address,undefined driver.c grey.c -o driver
    # shellcheck disable=SC2046 # a list of words
    run 0 ./driver $(find data -name '*.pgm' | sort)
    cp stdout found
    # shellcheck disable=SC2046
    run 0 "$CNNPREDICT" grey/model.bin $(find data -name '*.pgm' | sort)
    cut -f 3 stdout | paste - found | awk '{ d = $1 - $2; if (d > 1e-5 || d < -1e-5) exit 1; n++ } END { exit n != 60 }' ||
        fail "expected the probabilities of cnnpredict from the C source by $compiler"
done

"$CNNCONVERT" small/model.bin small.onnx 2>stderr
if grep -q 'was built without' stderr; then
    echo "skipped: built without ONNX"
    exit 77
fi

run 0 "$CNNCONVERT" small/model.bin small.onnx
run 0 "$CNNCONVERT" layers/model.bin layers.onnx
run 0 "$CNNCONVERT" layers/model.bin again.onnx
expect_same layers.onnx again.onnx
run 0 env CNN_ISA=generic "$CNNCONVERT" layers/model.bin again.onnx
expect_same layers.onnx again.onnx
run 0 "$CNNCONVERT" layers/model.bin float.onnx --input float
cmp -s layers.onnx float.onnx && fail "expected --input to make a difference"
if "$python" -c 'import onnx, onnxruntime, PIL' 2>/dev/null; then
    images=$(find data -name '*.pgm' | sort)
    # shellcheck disable=SC2086 # a list of words
    run 0 "$python" "$SOURCE/tests/compare/onnx_runtime.py" "$CNNPREDICT" small/model.bin small.onnx layers/model.bin layers.onnx \
        layers/model.bin float.onnx $images
    [ "$(grep -c ': 60 images: largest difference ' stdout)" -eq 3 ] || fail "expected three comparisons"
    # any size: the graph resizes as cnnpredict does
    pairs=
    for how in stretch crop letterbox; do
        run 0 "$CNNTRAIN" --config layers.json image.channels=3 image.resize=$how train.epochs=1 --quiet --out any-$how
        run 0 "$CNNCONVERT" any-$how/model.bin any-$how.onnx --any-size
        pairs="$pairs any-$how/model.bin any-$how.onnx"
    done
    run 0 "$CNNCONVERT" layers/model.bin any-grey.onnx --any-size
    # shellcheck disable=SC2086 # a list of words
    run 0 "$python" "$SOURCE/tests/compare/onnx_any_size.py" "$CNNPREDICT" $pairs layers/model.bin any-grey.onnx
    [ "$(grep -c '28 images: pixels differ by at most [012],' stdout)" -eq 4 ] || fail "expected four comparisons"
else
    echo "onnx, onnxruntime and pillow are not installed: probabilities are not compared"
fi

# OpenCV is Debian's, and not among the packages of PyPI
opencv=${CNN_TEST_OPENCV_PYTHON:-/usr/bin/python3}
if "$opencv" -c 'import cv2' 2>/dev/null; then
    "$MAKE_IMAGES" sized 20 12 10 1 || exit 1
    # shellcheck disable=SC2046 # a list of words
    run 0 "$opencv" "$SOURCE/tests/compare/onnx_opencv.py" "$CNNPREDICT" layers/model.bin float.onnx $(find sized -name '*.pgm')
    expect_in_stdout '^float.onnx: 20 images: largest difference '
else
    echo "python3-opencv is not installed: probabilities are not compared with OpenCV"
fi

# nothing is written where there is nothing to write, or no place
run 2 "$CNNCONVERT" small/model.bin
expect_stderr '^cnnconvert: expected IN and OUT'
run 2 "$CNNCONVERT" small/model.bin small.txt
expect_stderr '^cnnconvert: small.txt: expected a file that ends in .onnx or .c'
run 2 "$CNNCONVERT" small/model.bin 'net"work.c'
expect_stderr '^cnnconvert: net"work.c: expected a name of letters'
run 2 "$CNNCONVERT" small/model.bin small/.c
run 2 "$CNNCONVERT" small/model.bin 1net.c
run 2 "$CNNCONVERT" small.onnx other.onnx
expect_stderr '^cnnconvert: other.onnx: expected a file that ends in .bin, because small.onnx is no model of cnntrain'
run 2 "$CNNCONVERT" small.txt other.onnx
expect_stderr '^cnnconvert: small.txt: expected a model \(\*.bin\), or a network'
run 4 "$CNNCONVERT" missing.bin other.onnx
head -c 300 small/model.bin >cut.bin
run 4 "$CNNCONVERT" cut.bin other.onnx
expect_stderr '^cnnconvert: cut.bin: '
run 4 "$CNNCONVERT" --quiet cut.bin other.onnx
expect_stderr '^cnnconvert: cut.bin: '
for file in missing/other.onnx missing/other.c; do
    run 1 "$CNNCONVERT" small/model.bin $file
    expect_stderr '^cnnconvert: missing/other.[a-z]*: No such file or directory$'
done
run 1 "$CNNCONVERT" small/model.bin --max-memory 10K other.onnx
expect_stderr '^cnnconvert: .*out of memory'
run 2 "$CNNCONVERT" small/model.bin other.onnx --input bits
expect_stderr '^cnnconvert: --input: expected '

# the model stays as it is, even if OUT is another name of it
cp small/model.bin kept.bin
run 2 "$CNNCONVERT" small/model.bin small/model.bin
ln small/model.bin hard.onnx
ln -s small/model.bin soft.onnx
for file in hard.onnx soft.onnx; do
    run 0 "$CNNCONVERT" --quiet small/model.bin $file
    expect_same small.onnx $file
    expect_same kept.bin small/model.bin
done

# a full disk: the old file, and no other
if [ -c /dev/full ]; then
    "$CNNCONVERT" grey/model.bin grey.c >/dev/full 2>stderr
    [ $? -eq 1 ] || fail "expected exit code 1 on a full disk"
    expect_stderr '^cnnconvert: standard output: '
fi
case ${SANITIZE-} in
*thread*) ;; # it does not survive such a limit
*)
    echo old >full.onnx
    last="cnnconvert, files of at most one block"
    (
        ulimit -f 1
        exec "$CNNCONVERT" layers/model.bin full.onnx
    ) 2>stderr
    [ $? -eq 1 ] || fail "expected exit code 1 on a full disk"
    expect_stderr '^cnnconvert: full.onnx: File too large$'
    [ "$(cat full.onnx)" = old ] || fail "expected the old file"
    ;;
esac
[ -z "$(find . -name '*.tmp.*')" ] || fail "expected no temporary files"
run 2 "$CNNCONVERT" small/model.bin other.onnx --any-size --input float
expect_stderr '^cnnconvert: other.onnx: expected an input of bytes if images may have any size, got float$'
for option in --any-size --input=float; do
    run 2 "$CNNCONVERT" small/model.bin other.c $option
    expect_stderr '^cnnconvert: other.c: expected a file that ends in .onnx, '
done
for file in other.onnx other.c other.h; do
    [ ! -e $file ] || fail "expected no $file"
done

finish
