#!/bin/sh
# Makes all seeds again: tests/fuzz/make_seeds.sh BUILD, the folder of a build with tests.
# Needed when the format of a file changes, or its version (a model is read by its own version alone). Files in
# seeds/*/found-* were found by fuzzing, and are kept.
set -eu
cd "$(dirname "$0")/seeds"
build=$1

../../../data/install-packages.sh netpbm libjpeg-turbo-progs libtiff-tools webp xxd python3

mkdir -p model onnx safetensors checkpoint cache_file config sweep manifest image html plot archive
"$build/tests/fuzz/make_seeds" .
for name in plain residual winograd; do
    "$build/cnnconvert" "model/$name.bin" "onnx/$name.onnx"
done
"$build/cnnconvert" model/plain.bin onnx/float.onnx --input float

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# --- safetensors: the tensors of the layers in fuzz_safetensors.c, as zeros of each type
safetensors() { # NAME TYPE BYTES-OF-A-NUMBER
    entry() { # TENSOR SHAPE NUMBERS
        printf ',"%s":{"dtype":"%s","shape":[%s],"data_offsets":[%d,%d]}' "$1" "$type" "$2" "$offset" $((offset + $3 * size))
        offset=$((offset + $3 * size))
    }
    type=$2
    size=$3
    offset=0
    {
        printf '{"__metadata__":{"format":"pt"}'
        entry 0.weight 2,1,3,3 18
        for name in weight bias running_mean running_var; do
            entry "1.$name" 2 2
        done
        entry 3.weight 1,8 8
        entry 3.bias 1 1
        printf ',"1.num_batches_tracked":{"dtype":"I64","shape":[],"data_offsets":[%d,%d]}}' "$offset" $((offset + 8))
    } >"$work/header"
    {
        printf '%b' "$(printf '\\0%o\\0%o\\0\\0\\0\\0\\0\\0' $(($(wc -c <"$work/header") % 256)) $(($(wc -c <"$work/header") / 256)))"
        cat "$work/header"
        head -c $((35 * size + 8)) /dev/zero
    } >"safetensors/$1.safetensors"
}
safetensors plain F32 4
safetensors half F16 2
safetensors brain BF16 2

# --- images: a picture of 13 x 11 pixels, colourful and then grey, in every format
ppmmake rgb:20/60/a0 13 11 >"$work/ground.ppm"
ppmdraw -script 'setcolor red; line 0 0 12 10; setcolor white; circle 6 5 3; setcolor green; line 0 10 12 2' \
    "$work/ground.ppm" >"$work/picture.ppm"
ppmtopgm "$work/picture.ppm" >"$work/picture.pgm"
colour=$work/picture.ppm
grey=$work/picture.pgm

cp "$colour" image/colour.ppm
cp "$grey" image/grey.pgm
pamdepth 1023 "$grey" >image/grey-16.pgm
pamdepth 65535 "$colour" >image/colour-16.ppm
{ printf 'P5 # a comment\n13 11\n# another one\n255\n' && tail -c 143 "$grey"; } >image/comments.pgm

pamthreshold "$grey" 2>/dev/null | pamtopnm >"$work/bits.pbm"
cp "$work/bits.pbm" image/bits.pbm
pnmtoplainpnm "$work/bits.pbm" >image/plain.pbm
pamdepth 15 "$grey" | pnmtoplainpnm >image/plain.pgm
pamdepth 1023 "$colour" | pnmtoplainpnm >image/plain.ppm

pnmtopng -force -nofilter -compression 9 "$colour" >image/colour.png 2>/dev/null
pnmtopng -interlace -force "$colour" >image/interlaced.png 2>/dev/null
pnmtopng "$grey" >image/grey.png 2>/dev/null
pnmtopng "$colour" >image/palette.png 2>/dev/null
pnmtopng -transparent =red "$colour" >image/palette-transparent.png 2>/dev/null
pnmtopng -force -transparent =red "$colour" >image/transparent.png 2>/dev/null
pnmtopng -force -alpha "$grey" "$colour" >image/alpha.png 2>/dev/null
pamthreshold "$grey" 2>/dev/null | pnmtopng >image/bits.png 2>/dev/null
pamdepth 65535 "$colour" | pnmtopng -force >image/colour-16.png 2>/dev/null
pamdepth 15 "$grey" | pnmtopng >image/grey-4.png 2>/dev/null

ppmtobmp "$colour" >image/palette.bmp 2>/dev/null
ppmtobmp -bpp=24 "$colour" >image/colour.bmp 2>/dev/null
pamthreshold "$grey" 2>/dev/null | ppmtobmp -bpp=1 >image/bits.bmp 2>/dev/null
ppmtobmp -os2 -bpp=24 "$colour" >image/os2.bmp 2>/dev/null

# run-length codes of 4 x 3 pixels, top down: a run, skipped pixels, colours, the end; masks; no file header
bmp_header() { printf "BM\\0\\0\\0\\0\\0\\0\\0\\0\\$1\\0\\0\\0\\$2\\0\\0\\0\\4\\0\\0\\0\\375\\377\\377\\377\\1\\0"; }
zeros() { head -c "$1" /dev/zero; }
{ bmp_header 76 50 && printf '\10\0\1\0\0\0' && zeros 12 && printf '\2\0\0\0\0\0\0\0\1\2\3\0\4\5\6\0' &&
    printf '\4\1\0\0\0\2\1\0\2\1\0\0\0\3\1\0\1\0\0\0\0\1'; } >image/rle-8.bmp
{ bmp_header 76 50 && printf '\4\0\2\0\0\0' && zeros 12 && printf '\2\0\0\0\0\0\0\0\1\2\3\0\4\5\6\0' &&
    printf '\4\20\0\0\0\2\1\0\2\1\0\0\0\3\20\20\0\0\0\1'; } >image/rle-4.bmp
{ bmp_header 106 70 && printf '\40\0\3\0\0\0' && zeros 20 && printf '\377\0\0\0\0\377\0\0\0\0\377\0\0\0\0\377' &&
    head -c 48 image/colour.ppm; } >image/masks.bmp
tail -c +15 image/palette.bmp >image/palette.dib

pamtotga -rgb -norle <"$colour" >image/colour.tga 2>/dev/null
pamtotga -rgb <"$colour" >image/rle.tga 2>/dev/null
pamtotga -cmap <"$colour" >image/palette.tga 2>/dev/null
pamtotga -mono <"$grey" >image/grey.tga 2>/dev/null
# 4 x 3 pixels: bits; grey with alpha, from right to left, in packets that cross rows
printf '\0\0\3\0\0\0\0\0\0\0\0\0\4\0\3\0\1\40\240\120\240' >image/bits.tga
printf '\0\0\13\0\0\0\0\0\0\0\0\0\4\0\3\0\20\20\206\1\2\1\3\4\5\6\203\7\10' >image/alpha.tga
# 16 bits in the palette, whose first entry is number 2
printf '\0\1\1\2\0\2\0\20\0\0\0\0\2\0\1\0\10\0\1\2\3\4\2\3' >image/palette-16.tga

cjpeg -quality 60 "$colour" >image/baseline.jpg
cjpeg -quality 60 -sample 1x1 "$colour" >image/baseline-1x1.jpg
cjpeg -quality 60 -sample 2x1,1x1,1x2 -restart 1B "$colour" >image/restart.jpg
cjpeg -quality 60 -progressive "$colour" >image/progressive.jpg
cjpeg -quality 60 -grayscale -progressive "$grey" >image/grey-progressive.jpg
cjpeg -quality 60 -rgb "$colour" >image/rgb.jpg
cjpeg -quality 60 -arithmetic "$colour" >image/arithmetic.jpg
cjpeg -quality 60 -arithmetic -progressive "$colour" >image/arithmetic-progressive.jpg
# an orientation in EXIF data, which continue in a second segment, and another one in XMP
{
    printf '\377\330\377\341\000\030Exif\000\000II*\000\010\000\000\000\001\000\022\001\003\000\001\000'
    printf '\377\341\000\022Exif\000\000\000\000\006\000\000\000\000\000\000\000'
    printf '\377\341\000\063http://ns.adobe.com/xap/1.0/\000tiff:Orientation="8"'
    tail -c +3 image/baseline.jpg
} >image/orientation.jpg

# JPEG that only looks damaged: junk before the end, none, no Huffman tables (jpegtran writes those of the standard)
without_end() { head -c -2 image/baseline.jpg; }
{ without_end && printf '\377\000\000\377\321\000\000\377\331'; } >image/junk.jpg
without_end >image/no-end.jpg
cjpeg -quality 60 -grayscale "$grey" | xxd -p | tr -d '\n' | sed 's/ffc4001f[0-9a-f]\{58\}ffc400b5[0-9a-f]\{358\}//' |
    xxd -r -p >image/no-tables.jpg

cwebp -quiet -q 60 image/alpha.png -o image/alpha.webp
cwebp -quiet -q 60 -noalpha image/alpha.png -o image/lossy.webp
cwebp -quiet -lossless image/alpha.png -o image/lossless.webp
cwebp -quiet -q 60 -crop 2 3 7 5 image/alpha.png -o "$work/part.webp"
webpmux -frame "$work/part.webp" +100+4+2 -frame image/lossless.webp +100 -o image/animated.webp
printf 'II*\0\010\0\0\0\001\0\022\001\003\0\001\0\0\0\006\0\0\0\0\0\0\0' >"$work/exif"
webpmux -set exif "$work/exif" image/lossy.webp -o image/orientation.webp

pamtotiff -none -rowsperstrip=4 "$colour" >image/colour.tiff
pamtotiff -none "$grey" >image/grey.tiff
pamtotiff -lzw -indexbits=8 "$colour" >image/palette.tiff
pamtotiff -flate -predictor=2 -truecolor "$colour" >image/deflate.tiff
pamtotiff -none -truecolor "$colour" >"$work/true.tiff"
pamdepth 65535 "$colour" | pamtotiff -lzw -truecolor -rowsperstrip=5 >image/colour-16.tiff
pamtotiff -packbits -mb "$work/bits.pbm" >image/packbits.tiff
pamtotiff -g3 -2d -fill "$work/bits.pbm" >image/g3.tiff
pamtotiff -g4 -mw -lsb2msb "$work/bits.pbm" >image/g4.tiff
pamstack -tupletype RGB_ALPHA "$colour" "$grey" | pamtotiff -none -truecolor >image/alpha.tiff
tiffcp -c jpeg:60 "$work/true.tiff" image/jpeg.tiff
tiffcp -c jpeg:r:60 -r 8 "$work/true.tiff" image/jpeg-rgb.tiff
tiffcp -c zstd -t -w 16 -l 16 -p separate "$work/true.tiff" image/tiles.tiff
tiffcp -c none -8 -B "$work/true.tiff" image/big.tiff
tiffset -s Orientation 6 image/big.tiff

# --- configs, some with KEY=VALUE after zero bytes
for name in seed fashion folders; do
    cp "../../../configs/$name.json" "config/$name.json"
done
overrides() {
    cat ../../../configs/seed.json
    printf '\0%s' "$@"
}
overrides train.epochs=3 layers.0.filters=2 'data.classes=["a","b"]' image.resize=crop >config/override-values
overrides data.validation=0.5 data.bad_images=skip train.optimizer=momentum train.shuffle=false \
    'layers.6={"type":"sigmoid"}' layers.0.padding=same >config/override-layers
overrides trian.epochs=3 >config/override-misspelt
overrides train.epochs.x=3 >config/override-too-deep
printf '{"data":{"train":"a.csv","validation":"b","test":"c"},"image":{"width":9,"height":9,"channels":3,
"resize":"letterbox","normalize":"standardize","max_megapixels":2.5},"layers":[{"type":"conv","filters":2,
"kernel":3,"stride":2,"padding":1},{"type":"maxpool","size":2,"stride":1},{"type":"flatten"},{"type":"dense",
"units":1},{"type":"sigmoid"}],"train":{"momentum":1e-1,"seed":9007199254740991},"output":"\\u00e4"}' >config/all-keys.json
residual='{"data":{"train":"a"},"image":{"width":9,"height":9,"channels":1},"layers":[{"type":"residual","layers":[
{"type":"conv","filters":2,"kernel":3,"stride":2,"padding":1},{"type":"batchnorm","eps":0.1,"momentum":1},
{"type":"leaky_relu","negative_slope":1e-1},{"type":"residual","layers":[{"type":"dropout","rate":0.99}]}]},
{"type":"avgpool","size":2,"stride":1},{"type":"global_avgpool"},{"type":"flatten"},{"type":"dense","units":1},
{"type":"sigmoid"}]}'
printf '%s' "$residual" >config/residual.json
printf '%s\0layers.0.layers.3.layers.0.rate=0.5\0layers.0.layers.9={"type":"sum"}' "$residual" >config/override-residual

# --- sweep files
printf '{"grid":{"train.learning_rate":[0.01,0.1],"layers.0":[{"type":"conv","filters":8,"kernel":3},{"type":"relu"}]},
"seeds":[1,2,3]}' >sweep/grid.json
printf '{"random":{"train.learning_rate":{"log_uniform":[1e-4,1e-1]},"augment.shift":{"uniform":[0,0.2]},
"layers.0.filters":{"integer":[4,32]},"train.optimizer":{"choice":["sgd","adam"]}},"runs":40,"seed":7,
"seeds":[1,2],"halving":{"epochs":2,"factor":3}}' >sweep/random.json
printf '{"seeds":[1,2,3,4]}' >sweep/seeds.json

# --- manifests after a byte: 1 where a column split is allowed, + 2 where the classes are "no" and "yes"
printf '1path,label\na/1.png,no\na/2.png,yes\n' >manifest/plain.csv
printf '3path,label,split,group\n1.png,no,train,p1\n2.png,yes,test,p2\n3.png,no,validation,\n4.png,yes,,"a, b"\n' \
    >manifest/splits.csv
printf '2"label","path"\r\n"yes","a ""quoted"" name.png"\r\nother,/absolute.png\r\n\r\nno,"two\nlines.png"\r\n' \
    >manifest/quotes.csv
printf '1\357\273\277group,path,label\n,1.png,a\nx,2.png,b\n' >manifest/mark.csv
printf '2path,label,split\n1.png,no,train\n' >manifest/split-not-allowed.csv
printf '1path,labl\n1.png,a\n' >manifest/misspelt.csv
printf '3sep=;\r\n;File_Name;CLASS;Split;age\r\n0;x\\1.png;no;Val;3\r\n;;;;\r\n1;2.png;yes\r\n' \
    >manifest/semicolons.csv
printf '1path\tlabel\tcontent\n1.png\ta\t0\n2.png\tb\t1\n' >manifest/own-table.tsv
for order in LE BE; do
    { printf 1 && printf '\357\273\277path;label\n\303\244.png;a\n\360\237\220\261.png;b\n' | iconv -f UTF-8 -t UTF-16$order; } \
        >manifest/utf-16-$order.csv
    { printf 1 && printf 'path,label\n1.png,a\n2.png,b\n' | iconv -f UTF-8 -t UTF-16$order; } >manifest/utf-16-$order-no-mark.csv
done

# --- numbers that no checkpoint has (the harness corrects length and checksum)
for number in -2 99999999999999999999 2x ''; do
    sed "s/\"checkpoint.epochs\":\"2\"/\"checkpoint.epochs\":\"$number\"/" checkpoint/checkpoint.bin \
        >"checkpoint/epochs-${number:-none}.bin"
done
# ... and another version
sed 's/"checkpoint.version":"3"/"checkpoint.version":"1"/' checkpoint/checkpoint.bin >checkpoint/version-1.bin

# --- names for the writer of HTML
printf '%s' "cat.png" >html/plain
printf '%s' '<script>alert("1")</script>&lt;'"'" >html/markup
printf '\342\200\256gnp.tac\342\201\246 \330\234 \342\200\217' >html/directions
printf '\377\376 \303( \355\240\200 \300\200 \364\220\200\200 \360\237\220' >html/not-utf-8
printf '\327\227\327\252\327\225\327\234 \347\214\253 \360\237\220\210 \357\277\275' >html/utf-8
printf 'a\tb\n\001\177\302\205\033[31m' >html/controls
printf '%0300d' 0 | tr 0 '<' >html/long

# --- numbers for charts, eight bytes each, after a byte for the kind of axes
doubles() { for bytes; do printf '%b' "$bytes"; done; }
zero='\0\0\0\0\0\0\0\0' one='\0\0\0\0\0\0\0360\077' two='\0\0\0\0\0\0\0\0100' minus='\0\0\0\0\0\0\0360\0277'
infinity='\0\0\0\0\0\0\0360\0177' nan='\0\0\0\0\0\0\0370\0177' huge='\0377\0377\0377\0377\0377\0377\0357\0177'
tiny='\01\0\0\0\0\0\0\0'
{ printf '\20' && doubles "$zero" "$one" "$two" "$one" "$two" "$minus"; } >plot/plain
{ printf '\23' && doubles "$one" "$two" "$huge" "$tiny" "$one" "$two"; } >plot/logarithmic
{ printf '\14' && doubles "$one" "$two" "$one" "$one" "$nan" "$two"; } >plot/fixed
{ printf '\20' && doubles "$infinity" "$nan" "$huge" "$minus" "$zero" "$tiny"; } >plot/extremes
printf '\20' >plot/nothing

# --- archives and arrays after a byte: 0 .tar, 1 .zip, 2 .npz, 3 IDX, 4 IDX by gzip, 5 shards (python3)
python3 - <<'END'
import gzip, io, os, struct, tarfile, zipfile
date = (1980, 1, 1, 0, 0, 0)
def image(n): return b"P5\n2 2\n255\n" + bytes([n] * 4)
def npy(shape, data, kind="|u1"):
    text = ("{'descr': '%s', 'fortran_order': False, 'shape': %s, }" % (kind, shape)).ljust(53) + "\n"
    return b"\x93NUMPY\1\0" + struct.pack("<H", len(text)) + text.encode() + data
def tar(members, form):
    bytes = io.BytesIO()
    with tarfile.open(fileobj=bytes, mode="w", format=form) as archive:
        for name, data in members:
            member = tarfile.TarInfo(name)
            member.size = len(data or b"")
            if data is None: member.type, member.linkname = tarfile.SYMTYPE, "a"
            archive.addfile(member, io.BytesIO(data or b""))
    return bytes.getvalue()[:-8192] # without most of the empty blocks at the end
def zip(members, method):
    bytes = io.BytesIO()
    with zipfile.ZipFile(bytes, "w", method) as archive:
        for name, data in members:
            archive.writestr(zipfile.ZipInfo(name, date), data or b"", method)
    return bytes.getvalue()
photos = [("b/2.pgm", image(2)), ("a/1.pgm", image(1)), ("./b/\u00e9.pgm", image(3))]
pairs = [("1.pgm", image(1)), ("1.cls", b"x"), ("2.cls", b"y\n"), ("2.pgm", image(2)), ("2.json", b"{}")]
arrays = [("train_images.npy", npy("(2, 2, 2)", bytes(8))), ("train_labels.npy", npy("(2,)", b"\0\1"))]
colour = [("x_train.npy", npy("(1, 2, 2, 3)", bytes(12))), ("y_train.npy", npy("(1, 1)", bytes(7) + b"\1", ">i8"))]
idx = b"\0\0\x08\3" + struct.pack(">III", 2, 2, 2) + bytes(8)
for name, kind, data in (
    ("photos.tar", 0, tar(photos, tarfile.USTAR_FORMAT)), ("pax.tar", 0, tar(photos, tarfile.PAX_FORMAT)),
    ("labels.tar", 0, tar(pairs, tarfile.GNU_FORMAT)), ("link.tar", 0, tar([("l", None)] + photos, tarfile.GNU_FORMAT)),
    ("shards", 5, tar(pairs, tarfile.GNU_FORMAT)), ("shards-folders", 5, tar(photos, tarfile.USTAR_FORMAT)),
    ("long.tar", 0, tar([("n" * 150 + "/a.pgm", image(1))], tarfile.GNU_FORMAT)),
    ("stored.zip", 1, zip(photos, zipfile.ZIP_STORED)), ("packed.zip", 1, zip(photos, zipfile.ZIP_DEFLATED)),
    ("labels.zip", 1, zip(pairs, zipfile.ZIP_DEFLATED)), ("outside.zip", 1, zip([("../a.pgm", image(1))], zipfile.ZIP_STORED)),
    ("stored.npz", 2, zip(arrays, zipfile.ZIP_STORED)), ("packed.npz", 2, zip(arrays, zipfile.ZIP_DEFLATED)),
    ("colour.npz", 2, zip(colour, zipfile.ZIP_STORED)), ("plain-idx", 3, idx), ("packed-idx", 4, gzip.compress(idx, mtime=0))):
    with open("archive/" + name, "wb") as file:
        file.write(bytes([kind]) + data)
END
