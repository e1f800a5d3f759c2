#!/usr/bin/env python3
"""Compares an ONNX file that cnnconvert wrote with cnnpredict: probabilities of images by ONNX Runtime and by the model that the file was
made from. Checks the file with onnx.checker and strict shape inference, too, and the answer to the golden image in its metadata. Prints
the largest difference; fails if it is above 1e-5. Needs the packages numpy, onnx, onnxruntime and pillow.

    tests/compare/onnx_runtime.py CNNPREDICT model.bin model.onnx [model.bin model.onnx ...] IMAGE ...
"""
import base64
import hashlib
import io
import json
import subprocess
import sys

import numpy
import onnx
import onnxruntime
from PIL import Image

import pillow_pixels

LARGEST_DIFFERENCE = 1e-5


def answers(program, model, paths):
    """Class and P(class 1) of each path, by cnnpredict."""
    result = subprocess.run([program, model, *paths, "--format", "jsonl"], check=True, capture_output=True, text=True)
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    return [row["label"] for row in rows], numpy.array([row["probability"] for row in rows])


def ours(program, model, paths):
    return answers(program, model, paths)[1]


class Exported:
    """An ONNX file of cnnconvert, checked, and its metadata. outputs: inner values that are outputs, too, with their types."""

    def __init__(self, path, outputs=()):
        model = onnx.load(path)
        onnx.checker.check_model(model, full_check=True)
        for name, kind in outputs:
            model.graph.output.append(onnx.helper.make_tensor_value_info(name, kind, None))
        self.metadata = {entry.key: entry.value for entry in model.metadata_props}
        self.height, self.width, self.channels = json.loads(self.metadata["size"])
        self.session = onnxruntime.InferenceSession(model.SerializeToString())
        self.input = self.session.get_inputs()[0]

    def run(self, images, names=("probability", "logit")):
        """images: uint8 [N, height, width, channels]."""
        if self.input.type == "tensor(float)":
            mean, deviation = (json.loads(self.metadata[key]) for key in ("mean", "deviation"))
            images = ((images / 255 - mean) / deviation).transpose(0, 3, 1, 2).astype(numpy.float32)
        return self.session.run(names, {"image": images})

    def seen(self, path):
        return pillow_pixels.seen(path, self.metadata["resize"], self.height, self.width, self.channels)

    def label(self, probability):
        return json.loads(self.metadata["classes"])[int(probability >= numpy.float32(json.loads(self.metadata["threshold"])))]

    def golden_difference(self):
        """The difference of the golden image's probability from that in the metadata, or that of its logit, whose bound is ten times as
        large, relative to a logit above 1."""
        image = Image.open(io.BytesIO(base64.b64decode(self.metadata["golden_image"], validate=True)))
        probability, logit = self.run(numpy.asarray(image).reshape(1, self.height, self.width, self.channels))
        expected = float(self.metadata["golden_logit"])
        return max(abs(probability[0] - float(self.metadata["golden_probability"])), 0.1 * abs(logit[0] - expected) / max(1, abs(expected)))


def compare(program, model, path, paths):
    """Compares the two files, and prints a line. True if they agree."""
    exported = Exported(path)
    floats = exported.input.type == "tensor(float)"
    shape = (exported.channels, exported.height, exported.width) if floats else (exported.height, exported.width, exported.channels)
    assert exported.input.shape == ["N", *shape], exported.input.shape
    images = numpy.stack([exported.seen(path) for path in paths])
    labels, expected = answers(program, model, paths)
    probability, logit = exported.run(images)
    one, _ = exported.run(images[:1])
    difference = max(abs(probability - expected).max(), abs(1 / (1 + numpy.exp(-logit)) - expected).max(), abs(one[0] - expected[0]),
                     exported.golden_difference())
    assert labels == [exported.label(p) for p in expected.astype(numpy.float32)], "classes or threshold"
    with open(model, "rb") as file:
        assert hashlib.sha256(file.read()).hexdigest() == exported.metadata["model_sha256"], "model_sha256"
    print(f"{path}: {len(paths)} images: largest difference {difference:.2g}")
    return difference <= LARGEST_DIFFERENCE


def main():
    program, *paths = sys.argv[1:]
    pairs = []
    while paths and paths[0].endswith(".bin"):
        pairs.append((paths[0], paths[1]))
        paths = paths[2:]
    results = [compare(program, model, path, paths) for model, path in pairs]
    return 0 if results and all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
