#!/usr/bin/env python3
"""Compares an ONNX file of cnnconvert --input float with cnnpredict: probabilities of images by OpenCV's dnn module and by the model that
the file was made from. The images must have the size of the network, so that nothing resizes them. Prints the largest difference; fails if
it is above 1e-5. Needs the packages numpy and opencv (Debian: python3-opencv), and no others.

    tests/compare/onnx_opencv.py CNNPREDICT model.bin model.onnx IMAGE ...
"""
import json
import struct
import subprocess
import sys

import cv2
import numpy

LARGEST_DIFFERENCE = 1e-5


def model_config(path):
    """The entry cnntrain.config of a model file: 8 bytes with the length of the header, and the header, which is JSON (safetensors)."""
    with open(path, "rb") as file:
        length, = struct.unpack("<Q", file.read(8))
        return json.loads(json.loads(file.read(length))["__metadata__"]["cnntrain.config"])


def normalized(path, config):
    """[1, channels, height, width], as the network sees it."""
    grey = config["image"]["channels"] == 1
    image = cv2.imread(path, cv2.IMREAD_GRAYSCALE if grey else cv2.IMREAD_COLOR)
    wanted = (config["image"]["height"], config["image"]["width"])
    assert image.shape[:2] == wanted, f"{path}: expected {wanted[1]} x {wanted[0]} pixels, got {image.shape[1]} x {image.shape[0]}"
    planes = image[None] if grey else image[:, :, ::-1].transpose(2, 0, 1)
    mean, deviation = (numpy.array(config["normalization"][key]).reshape(-1, 1, 1) for key in ("mean", "deviation"))
    return ((planes / 255 - mean) / deviation).astype(numpy.float32)[None]


def main():
    program, model, exported, *paths = sys.argv[1:]
    config = model_config(model)
    result = subprocess.run([program, model, *paths, "--format", "jsonl"], check=True, capture_output=True, text=True)
    expected = numpy.array([json.loads(line)["probability"] for line in result.stdout.splitlines()])
    network = cv2.dnn.readNetFromONNX(exported)
    found = []
    for path in paths:
        network.setInput(normalized(path, config), "image")
        found.append(float(network.forward("probability").reshape(())))
    difference = abs(numpy.array(found) - expected).max()
    print(f"{exported}: {len(paths)} images: largest difference {difference:.2g}")
    return 0 if difference <= LARGEST_DIFFERENCE else 1


sys.exit(main())
