#!/usr/bin/env python3
"""Compares the features of a pretrained network with PyTorch's: pretrained_torch.py PROGRAM FILE IMAGE...

PROGRAM is build/tests/pretrained_features, FILE what data/pretrained.sh writes. The network is an nn.Sequential made of the layers that
FILE states; its state_dict is FILE. Pillow decodes the images, writes them as PNG for PROGRAM, because decoders of JPEG differ, and resizes
them for PyTorch. Exit code 1 if a feature differs by more than 1e-4 of the
largest one. Needs torch, safetensors and Pillow.
"""

import json
import math
import subprocess
import sys
import tempfile

import torch
from PIL import Image, ImageOps
from safetensors import safe_open
from safetensors.torch import load_file
from torch import nn
from torch.nn import functional

LIMIT = 1e-4


class Convolution(nn.Conv2d):
    """With TensorFlow's padding, which PyTorch does not have."""

    def forward(self, x):
        sides = []
        for size in x.shape[:1:-1]:
            total = max((math.ceil(size / self.stride[0]) - 1) * self.stride[0] + self.kernel_size[0] - size, 0)
            sides += [total // 2, total - total // 2]
        return super().forward(functional.pad(x, sides))


class Residual(nn.Module):
    def __init__(self, layers):
        super().__init__()
        self.layers = layers

    def forward(self, x):
        return x + self.layers(x)


def sequence(layers, channels):
    """The modules of a list of layers, and the channels of their output."""
    modules = []
    for layer in layers:
        if layer["type"] == "conv":
            kind = Convolution if layer["padding"] == "same_upper" else nn.Conv2d
            padding = 0 if layer["padding"] in ("valid", "same_upper") else layer["kernel"] // 2
            modules.append(
                kind(channels, layer["filters"], layer["kernel"], layer["stride"], padding, groups=layer.get("groups", 1), bias=layer["bias"])
            )
            channels = layer["filters"]
        elif layer["type"] == "batchnorm":
            modules.append(nn.BatchNorm2d(channels, eps=layer["eps"]))
        elif layer["type"] == "relu":
            modules.append(nn.Hardtanh(0, layer["max"]))
        elif layer["type"] == "residual":
            inner, channels = sequence(layer["layers"], channels)
            modules.append(Residual(inner))
        else:
            modules.append({"global_avgpool": nn.AdaptiveAvgPool2d(1), "flatten": nn.Flatten()}[layer["type"]])
    return nn.Sequential(*modules), channels


def main(program, path, images):
    with safe_open(path, "pt") as file:
        config = json.loads(file.metadata()["cnntrain.config"])
    network, _ = sequence(config["layers"], config["image"]["channels"])
    network.load_state_dict(load_file(path))
    network.eval()
    size = (config["image"]["width"], config["image"]["height"])
    mean, deviation = (torch.tensor(config["normalization"][key]).view(3, 1, 1) for key in ("mean", "deviation"))
    worst = 0.0
    for image in images:
        picture = ImageOps.exif_transpose(Image.open(image)).convert("RGB")
        with tempfile.NamedTemporaryFile(suffix=".png") as file:
            picture.save(file, "PNG")
            file.flush()
            lines = subprocess.run([program, path, file.name], check=True, capture_output=True, text=True).stdout.splitlines()
        ours = torch.tensor([float(line) for line in lines[1:]])
        picture = picture.resize(size, Image.BILINEAR)
        x = torch.frombuffer(bytearray(picture.tobytes()), dtype=torch.uint8).view(size[1], size[0], 3).permute(2, 0, 1)
        with torch.no_grad():
            theirs = network(((x / 255 - mean) / deviation).unsqueeze(0))[0]
        difference = ((ours - theirs).abs().max() / theirs.abs().max()).item()
        print(f"{image}: {difference:.2g} of the largest feature, {theirs.abs().max():.4g}")
        worst = max(worst, difference)
    return 0 if worst <= LIMIT else 1


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
