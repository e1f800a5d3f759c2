#!/usr/bin/env python3
"""Decodes and resizes image files with Pillow, as tests/bench/decode.c does with cnntrain.

    tests/bench/pillow.py WIDTH HEIGHT <LIST

Prints the number of images that were read and that were not, and the seconds, without those that
Python takes to start. Exit code 77: Pillow is not installed."""

import sys
import time

try:
    from PIL import Image, ImageOps
except ImportError:
    print("pillow.py: Pillow is not installed for", sys.executable, file=sys.stderr)
    print("  Debian, Ubuntu: apt-get install python3-pil", file=sys.stderr)
    sys.exit(77)

Image.MAX_IMAGE_PIXELS = None


def main():
    size = int(sys.argv[1]), int(sys.argv[2])
    paths = sys.stdin.read().splitlines()
    unreadable = 0
    begin = time.perf_counter()
    for path in paths:
        try:
            with Image.open(path) as image:
                upright = ImageOps.exif_transpose(image)
                upright.convert("RGB").resize(size, Image.BILINEAR).tobytes()
        except OSError:
            unreadable += 1
    print(len(paths) - unreadable, unreadable, f"{time.perf_counter() - begin:.4f}")


if __name__ == "__main__":
    main()
