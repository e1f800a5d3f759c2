#!/usr/bin/env python3
"""Compares the resizing in an ONNX file of cnnconvert --any-size with the program's own, and the probabilities with those of cnnpredict.
Without images, it makes some of every shape. Prints the largest differences; fails if a pixel differs by more than 2 (of 255), or the
probability of an image of which no pixel differs by more than 1e-5. The program's own pixels are Pillow's (tests/test_resample.c); nothing
is rounded in the same way everywhere, so that 1 is the rule. Needs the packages numpy, onnx, onnxruntime and pillow.

    tests/compare/onnx_any_size.py CNNPREDICT model.bin model.onnx [model.bin model.onnx ...] [--images IMAGE ...]
"""
import argparse
import json
import os
import random
import sys
import tempfile

import numpy
import onnx
import onnxruntime
from PIL import Image

from onnx_runtime import LARGEST_DIFFERENCE, golden_difference, ours

LARGEST_PIXEL_DIFFERENCE = 2
# (width, height): extreme ones, enlarged and reduced, in one direction or both
SHAPES = ((1, 1), (1, 40), (50, 1), (2, 3), (7, 5), (12, 12), (12, 10), (10, 12), (13, 11), (24, 20), (11, 300), (400, 9), (320, 240), (250, 333))


def made(folder):
    """Pictures of every shape: noise, whose edges are hard, and a ramp, whose values are all different."""
    draw = random.Random(1)
    for i, (width, height) in enumerate(SHAPES):
        noise = numpy.frombuffer(draw.randbytes(height * width * 3), numpy.uint8).reshape(height, width, 3)
        rows, columns, planes = numpy.ogrid[0:height, 0:width, 0:3]
        ramp = (rows * 255 // height + columns * 255 // width + planes * 60) % 256
        for name, pixels in (("noise", noise), ("ramp", ramp.astype(numpy.uint8))):
            path = os.path.join(folder, f"{i:02}-{name}.png")
            Image.fromarray(pixels).save(path)
            yield path


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
    """The pixels that cnnpredict sees."""
    if how == "letterbox":
        x, y, w, h = middle(width, height, *image.size)
        boxed = Image.new(image.mode, (width, height))
        boxed.paste(image.resize((w, h), Image.BILINEAR), (x, y))
        return boxed
    if how == "crop":
        x, y, w, h = middle(*image.size, width, height)
        image = image.crop((x, y, x + w, y + h))
    return image.resize((width, height), Image.BILINEAR)


def load(path):
    """Checks the file, and adds the resized pixels to its outputs."""
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    model.graph.output.append(onnx.helper.make_tensor_value_info("image.resized", onnx.TensorProto.UINT8, None))
    return onnxruntime.InferenceSession(model.SerializeToString()), {entry.key: entry.value for entry in model.metadata_props}


def compare(program, model, exported, paths):
    """Compares the two files, and prints a line. True if they agree."""
    session, metadata = load(exported)
    height, width, channels = json.loads(metadata["size"])
    assert session.get_inputs()[0].shape == ["N", "height", "width", channels], session.get_inputs()[0].shape
    images = [Image.open(path).convert("L" if channels == 1 else "RGB") for path in paths]
    expected = ours(program, model, paths)
    most, different, values, probabilities, exact = 0, 0, 0, 0.0, 0
    for image, probability in zip(images, expected):
        pixels = numpy.asarray(image).reshape(1, image.height, image.width, channels)
        want = numpy.asarray(resized(image, metadata["resize"], width, height), dtype=int).reshape(height, width, channels)
        # twice the same image: the second one must not be taken for a part of the first
        seen, found = session.run(["image.resized", "probability"], {"image": numpy.concatenate([pixels, pixels])})
        assert seen.shape == (2, height, width, channels), seen.shape
        difference = abs(seen - want)
        most, different, values = max(most, difference.max()), different + (difference > 0).sum(), values + difference.size
        change = abs(found - probability).max()
        probabilities = max(probabilities, change)
        if difference.max() == 0:
            exact += 1
            assert change <= LARGEST_DIFFERENCE, (image.size, change)
    golden = golden_difference(session, metadata, (height, width, channels))
    print(f"{exported}: {len(paths)} images: pixels differ by at most {most}, {100 * different / values:.2g} % of them; the largest difference of a "
          f"probability is {probabilities:.2g}; {exact} images have the same pixels")
    return most <= LARGEST_PIXEL_DIFFERENCE and golden <= LARGEST_DIFFERENCE


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("files", nargs="+")
    parser.add_argument("--images", nargs="+")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        paths = arguments.images or list(made(folder))
        results = [compare(arguments.program, model, exported, paths) for model, exported in zip(arguments.files[::2], arguments.files[1::2])]
    return 0 if results and all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
