# shellcheck shell=sh disable=SC1091,SC2154
# Images in archives and arrays through the programs: the model has the bytes of a run on folders, and every program
# understands the names that a run gives its images.
. "$SOURCE/tests/cli/lib.sh"

command -v python3 >/dev/null || exit 77

make_data data 40
write_config cfg.json
python3 "$SOURCE/tests/cli/make_archives.py" data || exit 1

# --- the same model: from the archive, and from the cache. Arrays call their classes 0 and 1.
run 0 "$CNNTRAIN" -c cfg.json -q -o out-data
mkdir numbers
ln -s ../data/left numbers/0
ln -s ../data/right numbers/1
run 0 "$CNNTRAIN" -c cfg.json data.train=numbers -q -o out-numbers
sources="train-images-idx3-ubyte"
if run 0 "$CNNTRAIN" -c cfg.json data.train=photos.tar -q -o out-photos.tar; then
    expect_same out-data/model.bin out-photos.tar/model.bin
    sources="$sources photos.tar photos.zip shards.tar shards folder-shards arrays.npz packed.npz"
fi
for source in $sources; do
    case $source in
    photos.* | *shards*) same=out-data ;;
    *) same=out-numbers ;;
    esac
    for threads in 1 2; do
        run 0 "$CNNTRAIN" -c cfg.json data.train="$source" -t "$threads" --overwrite -o "out-$source"
        expect_same "$same/model.bin" "out-$source/model.bin"
        for table in split predictions; do
            cut -d, -f2- "$same/$table.csv" >wanted-table
            cut -d, -f2- "out-$source/$table.csv" >table
            expect_same wanted-table table
        done
    done
    expect_stderr '^40 images from the cache'
    grep -q "^$source/" "out-$source/split.csv" || fail "expected the names of images in split.csv"
    grep -q 'Not shown' "out-$source/report.html" && fail "$source: expected all pictures in the report"
done
case $sources in
*photos*) ;;
*) finish ;; # built without libarchive
esac

# --- split.csv is a manifest, and names members
run 0 "$CNNTRAIN" -c cfg.json data.train=out-photos.zip/split.csv -q -o again
expect_same out-data/model.bin again/model.bin
# shards by their numbers, as WebDataset has them, and by wildcards
for shards in 'shards/shard-{000000..000002}.tar' 'shards/shard-*.tar'; do
    run 0 "$CNNTRAIN" -c cfg.json data.train="$shards" -q --overwrite -o out-pattern
    expect_same out-data/model.bin out-pattern/model.bin
done
run 3 "$CNNTRAIN" -c cfg.json 'data.train=shards/shard-{000001..000003}.tar' -o bad
expect_stderr '^cnntrain: shards/shard-000003.tar: No such file or directory$'
run 3 "$CNNTRAIN" -c cfg.json 'data.train=shards/none-*.tar' -o bad
expect_stderr '^cnntrain: shards/none-\*.tar: expected archives with such names, found none$'
# a run continues on another form of the same images
run 0 "$CNNTRAIN" -c cfg.json data.train=photos.tar train.epochs=3 -q --resume -o out-data
run 0 "$CNNTRAIN" -c cfg.json train.epochs=3 -q --resume -o out-photos.zip data.train=shards.tar
expect_same out-data/model.bin out-photos.zip/model.bin
# a changed archive is read again
python3 - <<'END'
import tarfile, io
with tarfile.open("photos.tar", "a") as tar:
    member = tarfile.TarInfo("left/zz.pgm")
    image = b"P5\n12 12\n255\n" + bytes(range(144))
    member.size = len(image)
    tar.addfile(member, io.BytesIO(image))
END
run 0 "$CNNTRAIN" -c cfg.json data.train=photos.tar -o more
expect_stderr '^41 images decoded, now in the cache'

# --- the other programs
run 0 "$CNNEVAL" out-data/model.bin photos.zip
cp stdout wanted-figures
run 0 "$CNNEVAL" out-data/model.bin shards.tar
sed 's/^shards.tar/photos.zip/' stdout >figures
expect_same wanted-figures figures
run 0 "$CNNPREDICT" out-data/model.bin data
cut -f2- stdout >wanted-rows
for source in photos.zip shards.tar packed.npz train-images-idx3-ubyte; do
    run 0 "$CNNPREDICT" out-data/model.bin "$source"
    cut -f2- stdout >rows
    expect_same wanted-rows rows
done
run 0 "$CNNPREDICT" out-data/model.bin packed.npz/train_images/3 --explain maps
run 6 "$CNNPREDICT" out-data/model.bin photos.zip/photos/none.pgm
expect_in_stdout 'expected a member of the archive, found none'
run 0 "$CNNTRAIN" -c cfg.json data.train=shards.tar --check-data -o checked
expect_in_stdout 'train +30 +15 +15'
run 0 "$CNNEVAL" out-data/model.bin shards
sed 's/^shards/photos.zip/' stdout >figures
expect_same wanted-figures figures
run 0 "$CNNTRAIN" --init shards
expect_stderr '^train: 40 images: 20 "left"'
expect_stderr '^shards/shard-000000.tar: 10 members are neither images nor labels, and not used; the first is "000000.json"'
expect_in_stdout '"output":.*"runs/shards"'
run 0 "$CNNTRAIN" --init packed.npz
expect_in_stdout '"train":.*"packed.npz"'
expect_in_stdout '"output":.*"runs/packed"'

# --- what cannot be used
printf 'no archive' >bad.tar
run 3 "$CNNTRAIN" -c cfg.json data.train=bad.tar -o bad
expect_stderr '^cnntrain: bad.tar: expected an uncompressed tar archive or a zip archive'
expect_one_message
# a tar that is compressed, by its name and by its bytes
gzip -k shards.tar
cp shards.tar.gz renamed.tar
mkdir packed-shards
cp shards.tar.gz packed-shards/a.tgz
for source in shards.tar.gz renamed.tar packed-shards; do
    run 3 "$CNNTRAIN" -c cfg.json data.train=$source -o bad
    expect_stderr "^cnntrain: $source(/a.tgz)?: expected a tar that is not compressed, .*; decompress it \(gunzip\), but do not unpack it\$"
    expect_one_message
done
run 3 "$CNNTRAIN" -c cfg.json data.train=none.tgz -o bad
expect_stderr 'none.tgz: .* found nothing'
# all archives of a folder have labels
cp photos.tar shards/z.tar
run 3 "$CNNTRAIN" -c cfg.json data.train=shards -o bad
expect_stderr '^cnntrain: shards/z.tar: expected a label next to each image \(.cls\)'
rm shards/z.tar
cp shards/shard-000002.tar folder-shards/z.tar
run 3 "$CNNTRAIN" -c cfg.json data.train=folder-shards -o bad
expect_stderr '^cnntrain: folder-shards/z.tar: expected folders of classes without labels'
cp bad.tar shards/z.tar
run 3 "$CNNTRAIN" -c cfg.json data.train=shards -o bad
expect_stderr '^cnntrain: shards/z.tar: expected an uncompressed tar archive'
rm shards/z.tar
run 3 "$CNNTRAIN" -c cfg.json data.train=shards 'data.classes=["left","up"]' -o bad
expect_stderr '^cnntrain: shards: expected '
python3 - <<'END'
import tarfile
with tarfile.open("outside.tar", "w") as tar:
    tar.addfile(tarfile.TarInfo("../left/a.pgm"))
END
run 3 "$CNNTRAIN" -c cfg.json data.train=outside.tar -o bad
expect_stderr '^cnntrain: outside.tar: expected members inside the archive, found "../left/a.pgm"'
run 3 "$CNNTRAIN" -c cfg.json data.train=none.tar -o bad
expect_stderr 'found nothing'
expect_no_file bad

finish
