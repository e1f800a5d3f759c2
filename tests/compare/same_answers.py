#!/usr/bin/env python3
"""Asks a model and what cnnconvert makes of it about the same images, and prints a table: how many get the answer of cnnpredict, and how far
the probabilities are apart. ONNX Runtime runs the file for images of the network's size and the one for any size, GCC compiles the C source,
and OpenCV runs the file with a float input where python3-opencv is installed. With --int8, the 8-bit C source, too, whose scales come from
the images of a folder; it may lose accuracy, all others may not. An answer is the class. Fails if one of the exact programs gives another
class, or a probability that differs by more than 1e-5. Needs the packages numpy, onnx, onnxruntime and pillow, and gcc.

    tests/compare/same_answers.py BUILD model.bin FOLDER [--images 100] [--int8 FOLDER]

BUILD has the programs. FOLDER has the folders of the two classes; the images are taken from both, spread evenly over their sorted names.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile
import time

import numpy
from PIL import Image

import pillow_pixels
from onnx_runtime import LARGEST_DIFFERENCE, Exported, ours

DRIVER = """
#include "NAME.h"
#include <stdio.h>
int main(void) {
    static uint8_t pixels[NAME_HEIGHT * NAME_WIDTH * NAME_CHANNELS];
    while (fread(pixels, 1, sizeof pixels, stdin) == sizeof pixels) {
        printf("%.9g\\n", (double)NAME_predict(pixels));
    }
    return 0;
}
"""


def chosen(folder, classes, count):
    """Half of the images from each of the two folders, and their labels."""
    paths, labels = [], []
    for label, name in enumerate(classes):
        files = sorted(os.listdir(os.path.join(folder, name)))
        step = len(files) / (count // 2)
        paths += [os.path.join(folder, name, files[int(i * step)]) for i in range(count // 2)]
        labels += [label] * (count // 2)
    return paths, numpy.array(labels)


def by_c(programs, model, name, options, pixels):
    """Converts to NAME.c, compiles it, and runs it. Prints what it costs."""
    costs = subprocess.run([programs("cnnconvert"), model, f"{name}.c", *options], check=True, capture_output=True, text=True).stdout
    with open("driver.c", "w", encoding="ascii") as file:
        file.write(DRIVER.replace("NAME", name))
    start = time.monotonic()
    subprocess.run(["gcc", "-std=c99", "-O2", "driver.c", f"{name}.c", "-o", name], check=True)
    compiled = time.monotonic()
    result = subprocess.run([f"./{name}"], input=pixels.tobytes(), check=True, capture_output=True)
    print(f"{name}.c: {os.path.getsize(name + '.c') / 1e6:.1f} MB, compiled in {compiled - start:.1f} s, "
          f"{1000 * (time.monotonic() - compiled) / len(pixels):.1f} ms for an image; {costs.strip()}", file=sys.stderr)
    return numpy.array([float(line) for line in result.stdout.split()])


def by_opencv(python, programs, model, pixels):
    """The largest difference, as onnx_opencv.py prints it, or None without OpenCV."""
    if subprocess.run([python, "-c", "import cv2"], capture_output=True, check=False).returncode != 0:
        return None
    names = [f"seen-{i:03}.png" for i in range(len(pixels))]
    for name, image in zip(names, pixels):
        Image.fromarray(image.squeeze()).save(name)
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "onnx_opencv.py")
    result = subprocess.run([python, script, programs("cnnpredict"), model, "float.onnx", *names], capture_output=True, text=True, check=False)
    return result.stdout.strip() or result.stderr.strip()[-200:]


def row(name, expected, threshold, found, labels, exact=True):
    """A row of the table. Its last value: is it what the name promises?"""
    same = int(((found >= threshold) == (expected >= threshold)).sum())
    most, mean = abs(found - expected).max(), abs(found - expected).mean()
    right = int(((found >= threshold) == labels).sum())
    print(f"| {name} | {same} | {right} | {most:.1g} | {mean:.1g} |")
    return not exact or (same == len(expected) and most <= LARGEST_DIFFERENCE)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build")
    parser.add_argument("model")
    parser.add_argument("folder")
    parser.add_argument("--images", type=int, default=100)
    parser.add_argument("--int8", metavar="FOLDER")
    arguments = parser.parse_args()
    images = os.path.abspath(arguments.folder)
    model, calibration = os.path.abspath(arguments.model), arguments.int8 and os.path.abspath(arguments.int8)
    build = os.path.abspath(arguments.build)
    programs = lambda name: os.path.join(build, name)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for name, *options in (("fixed",), ("any", "--any-size"), ("float", "--input=float")):
            subprocess.run([programs("cnnconvert"), model, f"{name}.onnx", *options], check=True)
        fixed, free = Exported("fixed.onnx"), Exported("any.onnx")
        paths, labels = chosen(images, json.loads(fixed.metadata["classes"]), arguments.images)
        pixels = numpy.stack([fixed.seen(path) for path in paths])
        threshold = numpy.float32(json.loads(fixed.metadata["threshold"]))
        expected = ours(programs("cnnpredict"), model, paths)
        print(f"{len(paths)} images; the answer of cnnpredict is right for {int(((expected >= threshold) == labels).sum())}\n\n"
              "| program | same answer | right answer | largest difference of a probability | mean |\n|---|---|---|---|---|")
        one_by_one = numpy.concatenate([fixed.run(image[None])[0] for image in pixels])
        exact = [row("ONNX Runtime", expected, threshold, one_by_one, labels)]
        images = [numpy.asarray(pillow_pixels.opened(path, fixed.channels)) for path in paths]
        resized = numpy.concatenate([free.run(image.reshape(1, *image.shape[:2], fixed.channels))[0] for image in images])
        row("ONNX Runtime, `--any-size`", expected, threshold, resized, labels, exact=False)
        exact.append(row("C source", expected, threshold, by_c(programs, model, "plain", [], pixels), labels))
        if calibration:
            row("C source, `--int8`", expected, threshold, by_c(programs, model, "eight", ["--int8", calibration], pixels), labels, exact=False)
        opencv = by_opencv(os.environ.get("CNN_TEST_OPENCV_PYTHON", "/usr/bin/python3"), programs, model, pixels)
        print(f"\nOpenCV: {opencv or 'python3-opencv is not installed'}")
        os.chdir("/")
    return 0 if all(exact) else 1


if __name__ == "__main__":
    sys.exit(main())
