#!/bin/sh
# Every example config as ONNX, judged on real images: trains each one for an epoch, exports it in all ways, and compares with cnnpredict:
# ONNX Runtime (onnx_runtime.py, with onnx.checker), ONNX Runtime on images of any size (onnx_any_size.py) and OpenCV (onnx_opencv.py).
# It takes minutes, and is not part of tests/run.sh.
#
#   tests/compare/onnx_judges.sh BUILD FOLDER [MODEL.bin ...]
#
# BUILD has the programs, FOLDER two folders of photographs, one per class. A MODEL.bin is judged, too, such as one on EfficientNet-Lite0.
#
# Environment: IMAGES, how many are judged (default 40); CNN_TEST_PYTHON, a Python with numpy, onnx, onnxruntime and pillow (default
# python3); CNN_TEST_OPENCV_PYTHON, one with OpenCV (default /usr/bin/python3). Exit status: 0 all agree, 1 one does not, 2 usage.
set -eu
[ $# -ge 2 ] || {
    sed -n '2,12s/^# \{0,1\}//p' "$0" >&2
    exit 2
}
root=$(cd "$(dirname "$0")/../.." && pwd)
build=$(cd "$1" && pwd)
folder=$(cd "$2" && pwd)
shift 2
python=${CNN_TEST_PYTHON:-python3}
opencv=${CNN_TEST_OPENCV_PYTHON:-/usr/bin/python3}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

classes=$(find "$folder" -mindepth 1 -maxdepth 1 -type d -printf '"%f"\n' | sort | paste -s -d , -)
for config in "$root"/configs/*.json "$root"/configs/bench/*.json; do
    name=$(basename "$(dirname "$config")")-$(basename "$config" .json)
    [ "$name" != configs-schema ] || continue
    "$build/cnntrain" --config "$config" "data.train=$folder" data.validation=0.2 "data.test=$folder" data.duplicates=allow \
        "data.classes=[$classes]" train.epochs=1 --no-report --quiet --out "$work/$name" >"$work/log"
    set -- "$@" "$work/$name/model.bin"
done

# every n-th image, so that there are IMAGES
find "$folder" -type f -name '*.jpg' -o -type f -name '*.png' | sort >"$work/all"
step=$(($(wc -l <"$work/all") / ${IMAGES:-40}))
awk "NR % (${step} > 0 ? ${step} : 1) == 0" "$work/all" >"$work/images"

status=0
for model; do
    out=$work/out
    mkdir -p "$out/seen"
    "$build/cnnconvert" "$model" "$out/fixed.onnx"
    "$build/cnnconvert" "$model" "$out/any.onnx" --any-size
    "$build/cnnconvert" "$model" "$out/float.onnx" --input float
    echo "== $model"
    # shellcheck disable=SC2046 # a list of words
    {
        "$python" "$root/tests/compare/onnx_runtime.py" "$build/cnnpredict" "$model" "$out/fixed.onnx" "$model" "$out/float.onnx" \
            $(cat "$work/images") || status=1
        "$python" "$root/tests/compare/onnx_any_size.py" "$build/cnnpredict" "$model" "$out/any.onnx" --images $(cat "$work/images") || status=1
        if "$opencv" -c 'import cv2' 2>/dev/null; then
            "$python" "$root/tests/compare/pillow_pixels.py" "$out/fixed.onnx" "$out/seen" $(cat "$work/images")
            "$opencv" "$root/tests/compare/onnx_opencv.py" "$build/cnnpredict" "$model" "$out/float.onnx" "$out"/seen/*.png || status=1
        else
            echo "without python3-opencv: OpenCV does not judge"
        fi
    }
    rm -r "$out"
done
exit $status
