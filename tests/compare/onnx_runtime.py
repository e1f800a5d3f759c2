#!/usr/bin/env python3
"""Compares an ONNX file that cnnconvert wrote with cnnpredict: probabilities of images by ONNX Runtime and by the model that the file was
made from. Checks the file with onnx.checker and strict shape inference, too, and the answer to the golden image in its metadata. Prints
the largest difference; fails if it is above 1e-5.
Needs the packages numpy, onnx, onnxruntime and pillow.

    tests/compare/onnx_runtime.py CNNPREDICT model.bin model.onnx IMAGE ...
"""
import base64
import io
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


def golden_difference(session, metadata, shape):
    """The difference of the probability of the golden image from that in the metadata; that of its logit, relative if it is above 1."""
    image = Image.open(io.BytesIO(base64.b64decode(metadata["golden_image"], validate=True)))
    probability, logit = session.run(["probability", "logit"], {"image": numpy.asarray(image).reshape(1, *shape)})
    expected = float(metadata["golden_logit"])
    return max(abs(probability[0] - float(metadata["golden_probability"])), 0.1 * abs(logit[0] - expected) / max(1, abs(expected)))


def main():
    program, model, exported, *paths = sys.argv[1:]
    loaded = onnx.load(exported)
    onnx.checker.check_model(loaded, full_check=True)
    metadata = {entry.key: entry.value for entry in loaded.metadata_props}
    session = onnxruntime.InferenceSession(exported)
    batch, height, width, channels = session.get_inputs()[0].shape
    assert batch == "N", batch
    images = numpy.stack([pixels(path, height, width, channels) for path in paths])
    expected = ours(program, model, paths)
    probability, logit = session.run(["probability", "logit"], {"image": images})
    one, = session.run(["probability"], {"image": images[:1]})
    difference = max(abs(probability - expected).max(), abs(1 / (1 + numpy.exp(-logit)) - expected).max(), abs(one[0] - expected[0]),
                     golden_difference(session, metadata, (height, width, channels)))
    print(f"{len(paths)} images: largest difference {difference:.2g}")
    return 0 if difference <= LARGEST_DIFFERENCE else 1


if __name__ == "__main__":
    sys.exit(main())
