#!/usr/bin/env python3
"""Writes small ONNX graphs in the ways in which exporters write them, and compares what cnnconvert makes of each with ONNX Runtime:
onnx_variants.py CNNCONVERT CNNPREDICT FEATURES, where FEATURES is build/tests/pretrained_features.

A graph that ends in classes is compared by cnnpredict's probability of a picture; any other by all features of the picture that FEATURES
makes up. Weights are random, from a fixed seed. Exit code 1 if a value differs by more than 1e-5 of the largest. Needs numpy, onnx and
onnxruntime.
"""
import json
import os
import subprocess
import sys
import tempfile

import numpy
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

LARGEST_DIFFERENCE = 1e-5
SIZE = 9
random = numpy.random.default_rng(3)


class Graph:
    """A graph that is written node by node; each method returns the name of a value."""

    def __init__(self, shape=("N", 3, SIZE, SIZE), kind=TensorProto.FLOAT, opset=13):
        self.nodes, self.constants, self.shape, self.kind, self.opset = [], [], shape, kind, opset

    def node(self, op, *inputs, **attributes):
        name = f"{op.lower()}{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, list(inputs), [name], name=name + ".node", **attributes))
        return name

    def constant(self, values, kind=numpy.float32):
        name = f"weights{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(numpy.asarray(values, dtype=kind), name))
        return name

    def weights(self, *shape):
        return self.constant(random.standard_normal(shape) / max(1, numpy.prod(shape[1:])) ** 0.5)

    def conv(self, x, inputs, filters, kernel, bias=True, **attributes):
        extra = [self.weights(filters)] if bias else []
        weights = self.weights(filters, inputs // attributes.get("group", 1), kernel, kernel)
        return self.node("Conv", x, weights, *extra, **attributes)

    def norm(self, x, channels, **attributes):
        positive = [self.constant(random.uniform(0.5, 1.5, channels)) for _ in range(2)]
        return self.node("BatchNormalization", x, positive[0], self.weights(channels), self.weights(channels), positive[1], **attributes)

    def dense(self, x, inputs, units):
        return self.node("Gemm", x, self.weights(units, inputs), self.weights(units), transB=1)

    def pooled(self, x):
        return self.node("Flatten", self.node("GlobalAveragePool", x))

    def model(self, output):
        graph = helper.make_graph(
            self.nodes,
            "variant",
            [helper.make_tensor_value_info("x", self.kind, self.shape)],
            [helper.make_empty_tensor_value_info(output)],
            self.constants,
        )
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)], ir_version=8)


# --- graphs with features; each returns the graph, its output, and options


def block(projection, normalized=None, bias=True, swapped=False, stride=2, first=False):
    """A residual. normalized: eps of a normalization after the projection."""
    g = Graph()
    x = g.node("Relu", g.conv("x", 3, 6, 3, pads=[1, 1, 1, 1]))
    y = g.conv(x, 6, 8 if projection else 6, 3, bias, pads=[1, 1, 1, 1], strides=[stride, stride])
    y = g.norm(g.node("Relu", y), 8 if projection else 6)
    short = x
    if projection:
        short = g.conv(x, 6, 8, 1, bias, strides=[stride, stride])
        short = g.norm(short, 8, epsilon=normalized) if normalized else short
    return g, g.node("Relu", g.node("Add", *((short, y) if swapped else (y, short)))), []


def nested():
    g = Graph()
    x = g.conv("x", 3, 4, 1)
    inner = g.node("Add", g.node("Relu", g.conv(x, 4, 4, 3, pads=[1, 1, 1, 1])), x)
    return g, g.node("Add", x, g.conv(inner, 4, 4, 1)), []


def silu():
    g = Graph()
    x = g.conv("x", 3, 4, 1)
    y = g.node("Mul", x, g.node("Sigmoid", x))
    z = g.conv(y, 4, 4, 1)
    return g, g.node("Add", g.node("Mul", g.node("Sigmoid", z), z), y), []


def silu_with_shortcut():
    g = Graph()
    x = g.conv("x", 3, 4, 1)
    return g, g.node("Add", x, g.conv(g.node("Mul", x, g.node("Sigmoid", x)), 4, 4, 1)), []


def activations():
    g = Graph()
    x = g.node("Clip", g.conv("x", 3, 4, 1), g.constant(0.0), g.constant(0.5))
    x = g.node("LeakyRelu", g.conv(x, 4, 4, 1), alpha=0.2)
    x = g.node("Clip", g.conv(x, 4, 4, 1), g.constant(0.0))
    return g, g.node("Sigmoid", g.conv(x, 4, 4, 1)), []


def old_clip():
    g = Graph(opset=9)
    return g, g.node("Clip", g.conv("x", 3, 4, 1), min=0.0, max=0.5), []


def affine():
    """Each operator after a convolution, where it is merged, and after a ReLU, where it is not."""
    g = Graph()
    x = g.node("Add", g.conv("x", 3, 4, 1, False), g.weights(1, 4, 1, 1))
    x = g.node("Mul", g.node("Relu", x), g.constant(random.uniform(0.5, 1, (4, 1, 1))))
    x = g.node("Sub", g.weights(1, 4, 1, 1), g.conv(x, 4, 4, 1))
    x = g.node("Div", g.node("Sigmoid", x), g.constant([2.0]))
    x = g.node("Sub", x, g.constant(random.uniform(0, 0.2, (4, 1, 1))))
    return g, g.node("Add", g.weights(4, 1, 1), g.conv(x, 4, 4, 1)), []


def pools():
    g = Graph()
    x = g.node("MaxPool", g.conv("x", 3, 4, 1), kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1)
    x = g.node("MaxPool", x, kernel_shape=[3, 3], pads=[0, 1, 2, 1])
    x = g.node("AveragePool", x, kernel_shape=[2, 2], auto_pad="SAME_LOWER", count_include_pad=1)
    return g, g.node("AveragePool", x, kernel_shape=[2, 2], strides=[2, 2]), []


def paddings():
    g = Graph()
    x = g.conv("x", 3, 6, 3, auto_pad="SAME_UPPER", strides=[2, 2])
    x = g.conv(x, 6, 6, 2, auto_pad="SAME_LOWER", group=2)
    x = g.conv(x, 6, 6, 3, auto_pad="VALID", group=6)
    return g, g.conv(x, 6, 3, 4, pads=[0, 2, 1, 3]), []


def pads(opset):
    """A Pad before a convolution, and before an average."""
    g = Graph(opset=opset)
    sides = [0, 0, 1, 2, 0, 0, 0, 1]
    x = g.node("Pad", "x", pads=sides) if opset < 11 else g.node("Pad", "x", g.constant(sides, numpy.int64))
    x = g.conv(x, 3, 4, 3, pads=[0, 0, 1, 0])
    x = g.node("Pad", x, pads=sides) if opset < 11 else g.node("Pad", x, g.constant(sides, numpy.int64), g.constant(0.0))
    return g, g.node("AveragePool", x, kernel_shape=[3, 3], strides=[2, 2]), []


def flat(how):
    g = Graph(opset=18 if how == "axes as input" else 13)
    x = g.conv("x", 3, 4, 3)
    if how == "axes as input":
        x = g.node("ReduceMean", x, g.constant([-1, -2], numpy.int64), keepdims=0)
    elif how == "axes":
        x = g.node("Flatten", g.node("ReduceMean", x, axes=[2, 3], keepdims=1))
    elif how == "squeeze":
        x = g.node("Squeeze", g.node("GlobalAveragePool", x), g.constant([2, 3], numpy.int64))
    elif how == "pool":
        x = g.node("Reshape", g.node("AveragePool", x, kernel_shape=[7, 7]), g.constant([-1, 4], numpy.int64))
    elif how == "constant":
        shape = g.node("Constant", value_ints=[0, -1])
        return g, g.dense(g.node("Reshape", x, shape), 4 * 49, 5), []
    return g, g.dense(x, 4, 5), []


def matrices():
    g = Graph()
    x = g.node("MatMul", g.pooled(g.conv("x", 3, 4, 1)), g.weights(4, 5))
    x = g.node("Add", g.weights(5), x)
    x = g.node("Gemm", g.node("Relu", x), g.weights(5, 6), g.weights(1, 6), alpha=0.5, beta=2.0)
    x = g.norm(g.node("Gemm", x, g.weights(6, 7)), 7)
    return g, g.node("Dropout", x), []


# --- graphs that end in classes


def classifier(end):
    g = Graph()
    x = g.node("Relu", g.conv("x", 3, 4, 3))
    options = []
    if end in ("one logit", "sigmoid"):
        x = g.dense(g.pooled(x), 4, 1)
    else:
        x = g.pooled(g.conv(x, 4, 2, 1)) if "convolution" in end else g.dense(g.pooled(x), 4, 2)
    if "logit" in end:
        options = ["--classes", "no,yes"]
    elif end == "sigmoid":
        x = g.node("Squeeze", g.node("Sigmoid", x), g.constant([1], numpy.int64))
    else:
        x = g.node("LogSoftmax" if "log" in end else "Softmax", x, axis=1)
    return g, x, options


def front(kind):
    options = []
    if kind in ("bytes", "last"):
        g = Graph(("N", SIZE, SIZE, 3), TensorProto.UINT8 if kind == "bytes" else TensorProto.FLOAT)
        x = g.node("Cast", "x", to=TensorProto.FLOAT) if kind == "bytes" else "x"
        x = g.node("Sub", x, g.constant(numpy.array([0.4, 0.5, 0.6]) * (255 if kind == "bytes" else 1)))
        x = g.node("Div", g.node("Transpose", x, perm=[0, 3, 1, 2]), g.constant(numpy.full((3, 1, 1), 60 if kind == "bytes" else 0.25)))
    elif kind == "grey":
        g, x = Graph((1, 1, SIZE, SIZE)), "x"
    else:
        g, x = Graph(("N", 3, "height", "width")), "x"
        options = ["--bgr", "--imagenet", "--size", f"{SIZE}x{SIZE}"]
    x = g.dense(g.pooled(g.node("Relu", g.conv(x, 1 if kind == "grey" else 3, 8, 3))), 8, 1)
    return g, g.node("Sigmoid", x), options


FEATURES = {
    "identity": lambda: block(False, stride=1),
    "projection": lambda: block(True),
    "projection without bias": lambda: block(True, bias=False),
    "projection first": lambda: block(True, swapped=True, bias=False, stride=1),
    "projection, normalized": lambda: block(True, 1e-5, False),
    "projection, normalized with other eps": lambda: block(True, 1e-3, False),
    "projection with bias, normalized": lambda: block(True, 1e-5, True, True),
    "nested": nested,
    "silu": silu,
    "silu with shortcut": silu_with_shortcut,
    "activations": activations,
    "old clip": old_clip,
    "affine": affine,
    "pools": pools,
    "paddings": paddings,
    "pads": lambda: pads(13),
    "old pads": lambda: pads(10),
    "matrices": matrices,
    **{how: lambda how=how: flat(how) for how in ("axes", "axes as input", "squeeze", "pool", "constant")},
}
CLASSES = {
    **{
        end: lambda end=end: classifier(end)
        for end in ("sigmoid", "softmax", "log softmax", "softmax of a convolution", "one logit", "two logits", "logits of a convolution")
    },
    **{kind: lambda kind=kind: front(kind) for kind in ("bytes", "last", "grey", "bgr")},
}


def picture(channels):
    """The bytes that pretrained_features makes up, [C][H][W]."""
    c, i, j = numpy.ogrid[:channels, :SIZE, :SIZE]
    return ((7 * j + 13 * i + 101 * c + i * j // 16) % 256).astype(numpy.uint8)


def run(model, output, x):
    session = onnxruntime.InferenceSession(model.SerializeToString())
    return session.run([output], {"x": x})[0].astype(float)


def compare_features(programs, graph, output, options, folder):
    model = graph.model(output)
    source, target = os.path.join(folder, "f.onnx"), os.path.join(folder, "f.bin")
    onnx.save(model, source)
    subprocess.run([programs[0], source, target, "--quiet", "--until", output, *options], check=True)
    lines = subprocess.run([programs[2], target], check=True, capture_output=True, text=True).stdout.splitlines()[1:]
    values = run(model, output, picture(3)[numpy.newaxis].astype(numpy.float32) / numpy.float32(255))
    values = values.mean(axis=(2, 3)).ravel() if values.ndim == 4 else values.ravel()
    return abs(numpy.array([float(line) for line in lines]) - values).max() / abs(values).max()


def compare_classes(programs, name, graph, output, options, folder):
    model = graph.model(output)
    source, target = os.path.join(folder, "c.onnx"), os.path.join(folder, "c.bin")
    onnx.save(model, source)
    subprocess.run([programs[0], source, target, "--quiet", *options], check=True)
    channels = 1 if name == "grey" else 3
    pixels, image = picture(channels), os.path.join(folder, "image.pnm")
    with open(image, "wb") as file:
        file.write(b"P%d %d %d 255\n" % (5 if channels == 1 else 6, SIZE, SIZE) + pixels.transpose(1, 2, 0).tobytes())
    line = subprocess.run([programs[1], target, image, "--format", "jsonl"], check=True, capture_output=True, text=True).stdout
    x = pixels if name == "bytes" else pixels.astype(numpy.float32) / numpy.float32(255)
    if name == "bgr":
        x = (x[::-1] - numpy.array([0.485, 0.456, 0.406]).reshape(3, 1, 1)) / numpy.array([0.229, 0.224, 0.225]).reshape(3, 1, 1)
        x = x.astype(numpy.float32)
    x = x.transpose(1, 2, 0) if name in ("bytes", "last") else x
    values = run(model, output, x[numpy.newaxis]).ravel()
    if "log" in name and "softmax" not in name:  # logits
        expected = 1 / (1 + numpy.exp(-(values[0] if len(values) == 1 else values[1] - values[0])))
    else:
        expected = numpy.exp(values[1]) if name == "log softmax" else values[-1]
    return abs(json.loads(line)["probability"] - expected)


def main():
    programs = sys.argv[1:]
    failed = 0
    largest = 0.0
    with tempfile.TemporaryDirectory() as folder:
        for name, make in [*FEATURES.items(), *CLASSES.items()]:
            graph, output, options = make()
            if name in FEATURES:
                difference = compare_features(programs, graph, output, options, folder)
            else:
                difference = compare_classes(programs, name, graph, output, options, folder)
            largest = max(largest, difference)
            if not difference <= LARGEST_DIFFERENCE:
                print(f"{name}: difference {difference:.2g}")
                failed += 1
    print(f"{len(FEATURES) + len(CLASSES)} graphs: largest difference {largest:.2g}")
    return 1 if failed else 0


sys.exit(main())
