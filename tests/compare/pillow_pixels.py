#!/usr/bin/env python3
"""The pixels that a network sees, by Pillow: those of image/resize.c to the byte with Pillow 9.4 to 12 (resample_golden.py).

    tests/compare/pillow_pixels.py model.onnx OUT IMAGE ...     writes each image as the network of this file sees it, as OUT/NUMBER.png
"""
import json
import os
import sys

import numpy
from PIL import Image


def middle(outer_width, outer_height, width, height):
    """The largest rectangle of that shape in the middle: see image/resize.c."""
    w, h = outer_width, outer_height
    if w * height > h * width:
        w = (h * width + height // 2) // height
    else:
        h = (w * height + width // 2) // width
    w, h = max(1, min(w, outer_width)), max(1, min(h, outer_height))
    return (outer_width - w) // 2, (outer_height - h) // 2, w, h


def resized(image, how, width, height):
    """how: the key image.resize, "stretch", "crop" or "letterbox"."""
    if how == "letterbox":
        x, y, w, h = middle(width, height, *image.size)
        boxed = Image.new(image.mode, (width, height))
        boxed.paste(image.resize((w, h), Image.BILINEAR), (x, y))
        return boxed
    if how == "crop":
        x, y, w, h = middle(*image.size, width, height)
        image = image.crop((x, y, x + w, y + h))
    return image.resize((width, height), Image.BILINEAR)


def opened(path, channels):
    """The image of a file, in grey or colour."""
    return Image.open(path).convert("L" if channels == 1 else "RGB")


def seen(path, how, height, width, channels):
    """[height, width, channels], uint8."""
    return numpy.asarray(resized(opened(path, channels), how, width, height)).reshape(height, width, channels)


def main():
    import onnx  # not needed by those who import this file
    model, out, *paths = sys.argv[1:]
    metadata = {entry.key: entry.value for entry in onnx.load(model).metadata_props}
    height, width, channels = json.loads(metadata["size"])
    for i, path in enumerate(paths):
        resized(opened(path, channels), metadata["resize"], width, height).save(os.path.join(out, f"{i:04}.png"), icc_profile=None)


if __name__ == "__main__":
    main()
