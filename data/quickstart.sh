#!/bin/sh
# From a fresh Debian or Ubuntu machine to a trained classifier: installs what is needed, builds into
# build/, lays photographs of shirts and T-shirts out as PNG folders, trains on them, and asks the model
# about one image it has never seen. Run it again to go on where it stopped.
set -eu
cd "$(dirname "$0")/.."

packages="gcc libc6-dev make cmake libstb-dev libcjson-dev libcsv-dev libmd-dev libxxhash-dev
          zlib1g-dev dataset-fashion-mnist"
missing=""
for package in $packages; do
    case $(dpkg-query -W -f '${Status}' "$package" 2>/dev/null || true) in
    *" installed") ;;
    *) missing="$missing $package" ;;
    esac
done
if [ -n "$missing" ]; then
    sudo=""
    [ "$(id -u)" -eq 0 ] || sudo=sudo
    echo "installing$missing"
    $sudo apt-get update -qq
    # word splitting is wanted: a list of packages
    # shellcheck disable=SC2086
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing
fi

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

    build/cnntrain --config configs/fashion.json data.train=data/mine data.test=data/mine \
        'data.classes=["bad", "good"]' --out runs/mine

README.md explains the config, build/cnntrain --help-config every key, src/README.md the code.
END
