#!/bin/sh
# From a fresh Debian or Ubuntu machine to a trained classifier: installs what is needed, builds into
# build/, lays photographs of shirts and T-shirts out as PNG folders, trains on them, and asks the model
# about one image it has never seen. Run it again to go on where it stopped.
set -eu
cd "$(dirname "$0")/.."

data/install-packages.sh gcc libc6-dev make cmake libstb-dev libcjson-dev libcsv-dev libexif-dev \
    libmd-dev libxxhash-dev libseccomp-dev zlib1g-dev libpng-dev dataset-fashion-mnist

cmake -S . -B build -DCNN_TESTS=OFF
cmake --build build --parallel

data/fashion-mnist.sh t-shirt shirt data/fashion-mnist
build/cnntrain --config configs/fashion.json --resume

image=$(find data/fashion-mnist/test/shirt -name '*.png' | sort | head -n 1)
echo
echo "\$ build/cnnpredict runs/fashion/model.bin $image"
build/cnnpredict runs/fashion/model.bin "$image"
cat <<'END'

Next: two folders of your own pictures, data/mine/bad and data/mine/good (any size, PNG or JPEG):

    build/cnntrain --config configs/folders.json
    build/cnnpredict runs/mine/model.bin photo.jpg

README.md explains the config, build/cnntrain --help-config every key, src/README.md the code.
END
