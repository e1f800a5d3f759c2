#!/bin/sh
# From a fresh Debian or Ubuntu machine to a trained classifier: installs what is needed, builds into
# build/, unpacks photographs of shirts and T-shirts into PNG folders, trains on them, and classifies an image that
# the model has never seen. Run again, it continues where it was stopped.
set -eu
cd "$(dirname "$0")/.."

data/install-packages.sh gcc libc6-dev make cmake libstb-dev libcjson-dev libcsv-dev libjpeg-dev \
    nettle-dev libutf8proc-dev libxxhash-dev libseccomp-dev zlib1g-dev libpng-dev libwebp-dev libtiff-dev libarchive-dev libprotobuf-c-dev protobuf-c-compiler libonnx-dev dataset-fashion-mnist

cmake -S . -B build -DCNN_TESTS=OFF
cmake --build build --parallel

data/fashion-mnist.sh t-shirt shirt data/fashion-mnist
build/cnntrain --config configs/fashion.json --resume

image=$(find data/fashion-mnist/test/shirt -name '*.png' | sort | head -n 1)
echo
echo "\$ build/cnnpredict runs/fashion/model.bin $image"
build/cnnpredict runs/fashion/model.bin "$image"
cat <<'END'

runs/fashion/report.html shows how good the model is, and what it got wrong: open it in a browser.

Next: your own images (any size, PNG or JPEG) in two folders, photos/bad and photos/good:

    build/cnntrain --init photos > cfg.json
    build/cnntrain --config cfg.json
    build/cnnpredict runs/photos/model.bin photo.jpg

configs/README.md is the guide; build/cnntrain --help-config explains every key, src/README.md the code.
END
