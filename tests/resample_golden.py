#!/usr/bin/env python3
"""Prints the table of test_resample.c: what Pillow makes of pixels that both compute.

    tests/resample_golden.py >golden.txt        with NumPy and Pillow 9.4 to 12

Pillow 13 resamples columns first if that is faster, which rounds differently."""

import hashlib
import os
import random
import sys

import numpy
from PIL import Image

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "compare"))
from pillow_pixels import resized

MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}


def pixels(seed, height, width, channels):
    """The same bytes as fill() of test_resample.c."""
    x = numpy.arange(height * width * channels, dtype=numpy.uint64) + numpy.uint64(seed * 1000003 + 1)
    x *= numpy.uint64(0x9E3779B97F4A7C15)
    x ^= x >> numpy.uint64(32)
    x *= numpy.uint64(0xD6E8FEB86659FD93)
    return (x >> numpy.uint64(56)).astype(numpy.uint8).reshape(height, width, channels)


def cases():
    """(width, height, channels) of the image, (width, height, channels) wanted, how."""
    yield 500, 375, 3, 96, 96, 3, "STRETCH"
    yield 375, 500, 4, 96, 96, 1, "CROP"
    yield 3000, 1, 3, 1, 1, 3, "STRETCH"
    yield 1, 3000, 1, 7, 3, 1, "STRETCH"
    yield 1, 1, 3, 300, 200, 3, "STRETCH"
    yield 3000, 2000, 3, 224, 224, 3, "LETTERBOX"
    yield 2999, 17, 2, 31, 3000, 3, "STRETCH"
    yield 17, 2999, 3, 3000, 31, 1, "STRETCH"
    yield 64, 48, 3, 64, 48, 3, "STRETCH"
    yield 64, 48, 3, 64, 17, 3, "STRETCH"
    yield 64, 48, 1, 100, 48, 1, "STRETCH"
    draw = random.Random(7)
    for i in range(40):
        side = lambda: draw.choice((draw.randint(1, 40), draw.randint(1, 400), draw.randint(1, 3000)))
        width, height = side(), side()
        if width * height > 400000:
            height = draw.randint(1, 100)
        to = (draw.randint(1, 40), draw.randint(1, 300))
        yield (width, height, draw.choice((1, 2, 3, 4)), draw.choice(to), draw.choice(to), draw.choice((1, 3)),
               ("STRETCH", "CROP", "LETTERBOX")[i % 3])


for seed, (width, height, channels, to_width, to_height, to_channels, how) in enumerate(cases()):
    array = pixels(seed, height, width, channels)
    image = Image.frombytes(MODES[channels], (width, height), array.tobytes())
    result = resized(image.convert(MODES[to_channels]), how.lower(), to_width, to_height)
    planes = numpy.asarray(result).reshape(to_height, to_width, to_channels).transpose(2, 0, 1)
    digest = hashlib.sha256(planes.tobytes()).hexdigest()[:16]
    print(f'    {{{width}, {height}, {channels}, {to_width}, {to_height}, {to_channels}, '
          f'CNN_RESIZE_{how}, "{digest}"}},')
