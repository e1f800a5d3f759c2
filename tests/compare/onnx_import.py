#!/usr/bin/env python3
"""Compares what cnnconvert makes of an ONNX file with ONNX Runtime: onnx_import.py CNNCONVERT FEATURES FILE.onnx [OPTION ...]

FEATURES is build/tests/pretrained_features. The network sees the picture of that program, normalized as the result states. A network with a
classifier is compared by the last value before its end, a row of logits or one of them; one without, by its features: the input of the last
dense layer, or with --until what that node writes, averaged over rows and columns. Prints the largest difference relative to the largest
value. Exit code 1 if it is above 1e-5; what cnnconvert refuses is passed on. Needs numpy, onnx and onnxruntime.
"""
import json
import struct
import subprocess
import sys
import tempfile

import numpy
import onnx
import onnxruntime

LARGEST_DIFFERENCE = 1e-5


def picture(channels, height, width):
    """The bytes that pretrained_features makes up."""
    c, i, j = numpy.ogrid[:channels, :height, :width]
    return (7 * j + 13 * i + 101 * c + i * j // 16) % 256


def header(path):
    with open(path, "rb") as file:
        (size,) = struct.unpack("<Q", file.read(8))
        return json.loads(file.read(size))["__metadata__"]


def last_value(graph, until):
    """The name of the value that holds the features."""
    if until:
        return next(node.output[0] for node in graph.node if until in (node.name, node.output[0]))
    for node in reversed(graph.node):
        if node.op_type in ("Gemm", "MatMul"):
            return node.input[0]
    raise SystemExit("no dense layer")


def main():
    convert, program, source, *options = sys.argv[1:]
    model = onnx.load(source)
    with tempfile.NamedTemporaryFile(suffix=".bin") as result:
        done = subprocess.run([convert, source, result.name, "--quiet", *options], check=False)
        if done.returncode:
            return done.returncode
        config = json.loads(header(result.name)["cnntrain.config"])
        ours = subprocess.run([program, result.name], check=True, capture_output=True, text=True).stdout.splitlines()[1:]
    ours = numpy.array([float(line) for line in ours])
    image, normalization = config["image"], config["normalization"]
    x = picture(image["channels"], image["height"], image["width"]) / 255
    x = (x - numpy.reshape(normalization["mean"], (-1, 1, 1))) / numpy.reshape(normalization["deviation"], (-1, 1, 1))
    if "--bgr" in options:
        x = x[::-1]
    name = last_value(model.graph, options[options.index("--until") + 1] if "--until" in options else None)
    model.graph.output.append(onnx.helper.make_empty_tensor_value_info(name))
    session = onnxruntime.InferenceSession(model.SerializeToString())
    entry = session.get_inputs()[0]
    batch = x[numpy.newaxis].astype(numpy.float32)
    if entry.shape[3] == image["channels"] and entry.shape[1] != image["channels"]:
        batch = batch.transpose(0, 2, 3, 1)
    (values,) = session.run([name], {entry.name: batch})
    values = values.reshape(values.shape[0], values.shape[1], -1).mean(axis=2).ravel() if values.ndim == 4 else values.ravel()
    if values.shape != ours.shape:
        print(f"{source}: expected {values.size} features, got {ours.size}")
        return 1
    difference = abs(values - ours).max() / abs(values).max()
    print(f"{source}: {ours.size} features, largest difference {difference:.2g} of the largest")
    return 0 if difference <= LARGEST_DIFFERENCE else 1


sys.exit(main())
