#!/bin/sh
# Makes .github/report.png again, the picture on the front page: builds cnntrain, trains configs/fashion.json, and takes a picture
# of the top of its report.html in Chromium. The page is the same on every machine; its fonts are those of the system.
set -eu
cd "$(dirname "$0")/.."

data/install-packages.sh gcc libc6-dev make cmake libstb-dev libcjson-dev libcsv-dev libjpeg-dev nettle-dev libutf8proc-dev \
    libxxhash-dev libseccomp-dev zlib1g-dev libpng-dev libwebp-dev libtiff-dev libarchive-dev dataset-fashion-mnist python3 chromium fonts-dejavu-core
cmake -S . -B build
cmake --build build --parallel --target cnntrain_program
data/fashion-mnist.sh t-shirt shirt data/fashion-mnist

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
build/cnntrain --config configs/fashion.json --out "$work/fashion"
python3 tests/browser/screenshot.py "$work/fashion/report.html" "$work/report.png" 1200 light 1040
size=$(wc -c <"$work/report.png")
if [ "$size" -ge 200000 ]; then
    echo ".github/report.png: expected less than 200000 bytes, got $size" >&2
    exit 1
fi
mv "$work/report.png" .github/report.png
