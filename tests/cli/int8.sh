# shellcheck shell=sh disable=SC1091,SC2034,SC2154
# cnnconvert --int8: C source in integers of 8 bits, on this machine and on a Cortex-M4 in QEMU, which also runs the source in float.
. "$SOURCE/tests/cli/lib.sh"
make_data data 60
write_config cfg.json
run 0 "$CNNTRAIN" --config cfg.json --quiet --out grey
write_every_layer layers.json 3
run 0 "$CNNTRAIN" --config layers.json --quiet --out layers

# it says what it needs and what is lost, and its bytes do not depend on the threads
run 0 "$CNNCONVERT" layers/model.bin layers8.c --int8 data --threads 1
cp layers8.c one.c
cp layers8.h one.h
run 0 "$CNNCONVERT" layers/model.bin layers8.c --int8 data --threads 3
expect_same layers8.c one.c
expect_same layers8.h one.h
run 0 "$CNNCONVERT" grey/model.bin grey8.c --int8 data
expect_in_stdout '^RAM [0-9]* bytes, flash [0-9]* bytes and code, 3700 multiply-adds$'
expect_in_stdout '^8 bits: scales from 30 images; on 30 others, probabilities differ by 0\.0[01]'
expect_in_stdout '^accuracy on these: [01]\.[0-9]* in float, '
run 0 "$CNNCONVERT" grey/model.bin grey.c

# compiled as C99 without a library; the integers of its self test are those of cnnconvert, and it stays within its buffer
cat >driver.c <<'END'
#include "grey8.h"
#include <stdio.h>
int main(int argc, char **argv) {
    static uint8_t pixels[grey8_HEIGHT * grey8_WIDTH];
    static int8_t buffer[grey8_RAM_BYTES + 1];
    int i;
    buffer[grey8_RAM_BYTES] = 42;
    for (i = 1; i < argc; i++) {
        FILE *file = fopen(argv[i], "rb");
        if (!file || fscanf(file, "P5 12 12 255%*c") != 0 || fread(pixels, 1, sizeof pixels, file) != sizeof pixels) {
            return 1;
        }
        fclose(file);
        printf("%.9g\n", (double)grey8_predict_in(pixels, buffer));
    }
    return buffer[grey8_RAM_BYTES] == 42 ? 0 : 1;
}
END
images=$(find data -name '*.pgm' | sort)
for compiler in gcc clang; do
    command -v $compiler >/dev/null || continue
    strict="$compiler -std=c99 -O1 -pedantic -Wall -Wextra -Wconversion -Wshadow -Werror"
    for name in grey8 layers8; do
        run 0 $strict -ffreestanding -c $name.c -o $name.o
        run 0 $strict -fsanitize=address,undefined -D${name}_SELF_TEST $name.c -o self-test
        run 0 ./self-test
        [ "$(grep -c ': ok$' stdout)" -eq 4 ] || fail "expected four images with the same integers by $compiler"
    done
    run 0 $strict -fsanitize=address,undefined driver.c grey8.c -o driver
    # shellcheck disable=SC2086 # a list of words
    run 0 ./driver $images
    cp stdout "found-$compiler"
    # shellcheck disable=SC2086
    run 0 "$CNNPREDICT" grey/model.bin $images
    cut -f 3 stdout | paste - "found-$compiler" |
        awk '{ d = $1 - $2; if (d > 0.05 || d < -0.05) exit 1; n++ } END { exit n != 60 }' ||
        fail "expected nearly the probabilities of cnnpredict from the C source by $compiler"
done
[ ! -f found-gcc ] || [ ! -f found-clang ] || expect_same found-gcc found-clang
# a self test that finds other integers says so
sed 's/logits\[4\] = {/&1 + /' grey8.c >wrong.c
cp grey8.h wrong.h
run 0 gcc -std=c99 -Dgrey8_SELF_TEST wrong.c -o self-test
run 1 ./self-test

# a Cortex-M4, in float and in integers
if command -v arm-none-eabi-gcc >/dev/null && command -v qemu-system-arm >/dev/null; then
    for name in grey grey8 layers8; do
        run 0 arm-none-eabi-gcc -mcpu=cortex-m4 -mthumb -Os -std=c99 -pedantic -Wall -Wextra -Wconversion -Werror \
            --specs=rdimon.specs -T "$SOURCE/tests/arm/mps2.ld" -D${name}_SELF_TEST "$SOURCE/tests/arm/vectors.c" $name.c -o $name.elf
        run 0 timeout 100 qemu-system-arm -M mps2-an386 -nographic -monitor none -serial none \
            -semihosting-config enable=on,target=native -kernel $name.elf
        expect_in_stdout ': ok$'
    done
else
    echo "arm-none-eabi-gcc and qemu-system-arm are not installed: nothing runs on a Cortex-M4"
fi

# images: a manifest, files, folders without classes; unreadable ones are counted
(echo path,label && find data -name '*.pgm' | sort | sed 's/.*\/\([^/]*\)\/[^/]*$/&,\1/') >list.csv
run 0 "$CNNCONVERT" grey/model.bin listed.c --int8 list.csv
expect_in_stdout '^accuracy on these'
# shellcheck disable=SC2086
run 0 "$CNNCONVERT" grey/model.bin files.c --int8 $images
expect_in_stdout '^8 bits: scales from 30 images; on 30 others'
grep -q accuracy stdout && fail "expected no accuracy where classes are not known"
mkdir mixed
cp $(printf '%s\n' "$images" | head -n 5) mixed
echo text >mixed/aaa.txt
run 0 "$CNNCONVERT" grey/model.bin mixed.c --int8 mixed
expect_in_stdout '^8 bits: scales from 3 images; on 2 others'
expect_stderr '^cnnconvert: 1 images cannot be read and are left out$'

# nothing is written without images
run 3 "$CNNCONVERT" grey/model.bin none.c --int8 missing
run 3 "$CNNCONVERT" grey/model.bin none.c --int8 list.csv list.csv
expect_stderr '^cnnconvert: list.csv: none of 1 images for the scales can be read$'
set -- $images
run 3 "$CNNCONVERT" grey/model.bin none.c --int8 "$1"
expect_stderr ': expected at least two images, got 1$'
mkdir empty
run 3 "$CNNCONVERT" grey/model.bin none.c --int8 empty
run 2 "$CNNCONVERT" grey/model.bin none.c more.c
expect_stderr '^cnnconvert: expected one IN and one OUT, got a third argument'
run 2 "$CNNCONVERT" grey/model.bin none.onnx --int8 data
expect_stderr '^cnnconvert: none.onnx: expected a file that ends in .c for --int8$'
[ ! -e none.c ] && [ ! -e none.onnx ] || fail "expected no file"

finish
