#!/usr/bin/env python3
"""Compares the resizing in an ONNX file of cnnconvert --any-size with the program's own, and the probabilities with those of cnnpredict.
Without images, it makes some of every shape. Prints the largest differences; fails if a pixel differs by more than 2 (of 255), or the
probability of an image of which no pixel differs by more than 1e-5. The program's own pixels are Pillow's (tests/test_resample.c); nothing
is rounded in the same way everywhere, so that 1 is the rule. Needs the packages numpy, onnx, onnxruntime and pillow.

    tests/compare/onnx_any_size.py CNNPREDICT model.bin model.onnx [model.bin model.onnx ...] [--images IMAGE ...]
"""
import argparse
import os
import random
import sys
import tempfile

import numpy
import onnx
from PIL import Image

import pillow_pixels
from onnx_runtime import LARGEST_DIFFERENCE, Exported, ours

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


def compare(program, model, path, paths):
    """Compares the two files, and prints a line. True if they agree."""
    exported = Exported(path, [("image.resized", onnx.TensorProto.UINT8)])
    size = (exported.height, exported.width, exported.channels)
    assert exported.input.shape == ["N", "height", "width", exported.channels], exported.input.shape
    expected = ours(program, model, paths)
    most, different, values, probabilities, exact = 0, 0, 0, 0.0, 0
    for file, probability in zip(paths, expected):
        image = pillow_pixels.opened(file, exported.channels)
        pixels = numpy.asarray(image).reshape(1, image.height, image.width, exported.channels)
        want = exported.seen(file).astype(int)
        # twice the same image: the second one must not be taken for a part of the first
        seen, found = exported.run(numpy.concatenate([pixels, pixels]), ["image.resized", "probability"])
        assert seen.shape == (2, *size), seen.shape
        difference = abs(seen - want)
        most, different, values = max(most, difference.max()), different + (difference > 0).sum(), values + difference.size
        change = abs(found - probability).max()
        probabilities = max(probabilities, change)
        if difference.max() == 0:
            exact += 1
            assert change <= LARGEST_DIFFERENCE, (file, change)
    print(f"{path}: {len(paths)} images: pixels differ by at most {most}, {100 * different / values:.2g} % of them; the largest difference "
          f"of a probability is {probabilities:.2g}; {exact} images have the same pixels")
    return most <= LARGEST_PIXEL_DIFFERENCE and exported.golden_difference() <= LARGEST_DIFFERENCE


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
