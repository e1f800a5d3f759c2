# shellcheck shell=sh disable=SC1091,SC2034,SC2154
# The real images: data/fashion-mnist.sh unpacks them, and a network learns from them.
. "$SOURCE/tests/cli/lib.sh"

images=${FASHION_MNIST_DIR:-/usr/share/datasets/fashion-mnist}
if [ ! -f "$images/train-images-idx3-ubyte.gz" ]; then
    echo "skipped: the package dataset-fashion-mnist is not installed"
    exit 77
fi
IDX_TO_PNG=$BUILD/data/idx_to_png
export IDX_TO_PNG
run 0 sh "$SOURCE/data/fashion-mnist.sh" sneaker boot data/fashion-mnist
for part in train/sneaker:6000 train/boot:6000 test/sneaker:1000 test/boot:1000; do
    count=$(find "data/fashion-mnist/${part%:*}" -name '*.png' | wc -l)
    [ "$count" -eq "${part#*:}" ] || fail "expected ${part#*:} images in ${part%:*}, found $count"
done
run 0 sh "$SOURCE/data/fashion-mnist.sh" sneaker boot data/fashion-mnist
expect_stderr 'already'
run 1 sh "$SOURCE/data/fashion-mnist.sh" bag boot data/fashion-mnist
run 2 sh "$SOURCE/data/fashion-mnist.sh" hat boot other

# one epoch suffices to classify nine of ten sneakers and boots; builds with sanitizers are too slow for it
if [ -z "$SANITIZE" ] && [ "${CNN_ISA:-}" != generic ]; then
    run 0 "$CNNTRAIN" --config "$SOURCE/configs/fashion.json" 'data.classes=["sneaker", "boot"]' \
        train.epochs=1 --out run
    accuracy=$(sed -n 's/.*"test":{[^}]*"accuracy":\([^,]*\),.*/\1/p' run/summary.json)
    awk -v a="$accuracy" 'BEGIN { exit !(a > 0.9) }' || fail "expected a test accuracy above 0.9, found $accuracy"
    # integers of 8 bits lose at most half a point of it
    run 0 "$CNNCONVERT" run/model.bin boots.c --int8 data/fashion-mnist/test
    awk '/^accuracy/ { n = $NF == "points" ? $(NF - 1) : -100; found = 1 } END { exit !(found && n >= -0.5) }' stdout ||
        fail "expected at most 0.5 points less in 8 bits"
fi

finish
