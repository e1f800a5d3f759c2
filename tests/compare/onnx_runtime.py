#!/usr/bin/env python3
"""Compares an ONNX file that cnnconvert wrote with cnnpredict: probabilities of images by ONNX Runtime and by the model that the file was
made from. Checks the file with onnx.checker and strict shape inference, too. Prints the largest difference; fails if it is above 1e-5.
Needs the packages numpy, onnx, onnxruntime and pillow.

    tests/compare/onnx_runtime.py CNNPREDICT model.bin model.onnx IMAGE ...
"""
import json
import subprocess
import sys

import numpy
import onnx
import onnxruntime
from PIL import Image

LARGEST_DIFFERENCE = 1e-5


def ours(program, model, paths):
    """P(class 1) of each path, by cnnpredict."""
    result = subprocess.run([program, model, *paths, "--format", "jsonl"], check=True, capture_output=True, text=True)
    return numpy.array([json.loads(line)["probability"] for line in result.stdout.splitlines()])


def pixels(path, height, width, channels):
    image = Image.open(path).convert("L" if channels == 1 else "RGB").resize((width, height), Image.BILINEAR)
    return numpy.asarray(image).reshape(height, width, channels)


def main():
    program, model, exported, *paths = sys.argv[1:]
    onnx.checker.check_model(onnx.load(exported), full_check=True)
    session = onnxruntime.InferenceSession(exported)
    batch, height, width, channels = session.get_inputs()[0].shape
    assert batch == "N", batch
    images = numpy.stack([pixels(path, height, width, channels) for path in paths])
    expected = ours(program, model, paths)
    probability, logit = session.run(["probability", "logit"], {"image": images})
    one, = session.run(["probability"], {"image": images[:1]})
    difference = max(abs(probability - expected).max(), abs(1 / (1 + numpy.exp(-logit)) - expected).max(), abs(one[0] - expected[0]))
    print(f"{len(paths)} images: largest difference {difference:.2g}")
    return 0 if difference <= LARGEST_DIFFERENCE else 1


sys.exit(main())
