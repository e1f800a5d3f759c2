# shellcheck shell=sh disable=SC1091,SC2034,SC2154
# Model files that cannot be used: exit code 4, the file by name, no rows.
. "$SOURCE/tests/cli/lib.sh"
train_model run
image=data/left/00000.pgm

# refuses MODEL [PATTERN]
refuses() {
    run 4 "$CNNPREDICT" "$1" $image --format csv
    expect_stdout ""
    expect_one_message
    expect_stderr "^cnnpredict: $1: ${2-.}"
}

refuses missing.bin 'No such file'
refuses data
: >empty.bin
refuses empty.bin
echo "not a model at all, but a text of some length" >text.bin
refuses text.bin
refuses $image
refuses run/config.json
refuses run/checkpoint.bin

# a safetensors file of another program
header='{"0.weight":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}   '
printf '\100\000\000\000\000\000\000\000%.64s\000\000\000\000' "$header" >foreign.bin
refuses foreign.bin

# every truncation
size=$(wc -c <run/model.bin)
for length in 1 7 8 9 64 100 1000 $((size - 4)) $((size - 1)); do
    head -c "$length" run/model.bin >short.bin
    refuses short.bin
done
{ cat run/model.bin && printf 'x'; } >long.bin
refuses long.bin

# any flipped byte: spread over length, header and tensors
for offset in 0 7 8 20 100 300 500 $((size / 2)) $((size - 300)) $((size - 1)); do
    head -c "$offset" run/model.bin >flipped.bin
    tail -c +$((offset + 1)) run/model.bin | head -c 1 | tr '\000-\377' '\001-\377\000' >>flipped.bin
    tail -c +$((offset + 2)) run/model.bin >>flipped.bin
    refuses flipped.bin
done

# a later version
sed 's/"cnntrain.version":"0/"cnntrain.version":"9/' run/model.bin >future.bin
refuses future.bin

# last.bin and the weights before training are models, too; a model needs no other file
run 0 "$CNNPREDICT" run/last.bin $image
mkdir alone
cp run/model.bin alone/m
rm -r run
run 0 "$CNNPREDICT" alone/m $image
expect_in_stdout "^$image	left	[0-9.e-]+	ok\$"

finish
