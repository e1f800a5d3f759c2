#!/usr/bin/env python3
"""Compares heat maps with those of pytorch-grad-cam (products of HiResCAM): explain_torch.py PROGRAM MODEL IMAGE...

PROGRAM is build/tests/explain_map, MODEL a model.bin. The network is an nn.Sequential made of the layers that MODEL states; its state_dict
is MODEL. Exit code 1 if a value differs by more than 1e-5 of the largest one of the fine map. Not of that of the product, which is nearly
empty where the maps of layers disagree: rounding does not become smaller then. Each image gets a little noise first: in areas of one
colour, maxima are equal, and PyTorch may choose another one. `explain_torch.py --golden` prints the numbers that
tests/test_heat_map.c contains. Needs torch, grad-cam, safetensors and Pillow.
"""

import json
import subprocess
import sys
import tempfile

import torch
from PIL import Image, ImageOps
from pretrained_torch import Convolution, Residual
from pytorch_grad_cam import HiResCAM
from safetensors import safe_open
from safetensors.torch import load_file
from torch import nn

LIMIT = 1e-5


class Logit:
    """The target: the one output."""

    def __call__(self, output):
        return output.reshape(-1)[0]


class SignedHiResCAM(HiResCAM):
    """Without the ReLU and the scaling to 0 ... 1 that pytorch-grad-cam applies at the end."""

    def compute_cam_per_layer(self, input_tensor, targets, eigen_smooth):
        activations = self.activations_and_grads.activations[-1].cpu().numpy()
        gradients = self.activations_and_grads.gradients[-1].cpu().numpy()
        return [self.get_cam_image(input_tensor, self.target_layers[0], targets, activations, gradients, eigen_smooth)]

    def aggregate_multi_layers(self, cam_per_target_layer):
        return cam_per_target_layer[0]


class Clip(nn.Module):
    """A ReLU; not in place, because a map needs the values before and after it."""

    def __init__(self, most):
        super().__init__()
        self.most = most

    def forward(self, x):
        return torch.clamp(x, 0, self.most)


def sequence(layers, shape):
    """The modules of a list of layers, and the shape (channels, height, width) of their output."""
    modules = []
    for layer in layers:
        channels = shape[0]
        kind = layer["type"]
        if kind == "conv":
            same_upper = layer["padding"] == "same_upper"
            padding = layer["kernel"] // 2 if layer["padding"] == "same" else 0 if layer["padding"] in ("valid", "same_upper") else layer["padding"]
            modules.append(
                (Convolution if same_upper else nn.Conv2d)(
                    channels, layer["filters"], layer["kernel"], layer["stride"], padding, groups=layer.get("groups", 1), bias=layer.get("bias", True)
                )
            )
        elif kind == "batchnorm":
            modules.append((nn.BatchNorm2d if len(shape) == 3 else nn.BatchNorm1d)(channels, eps=layer["eps"]))
        elif kind == "relu":
            modules.append(Clip(layer.get("max")))
        elif kind == "leaky_relu":
            modules.append(nn.LeakyReLU(layer["slope"]))
        elif kind == "residual":
            inner, after = sequence(layer["layers"], shape)
            if after != shape:
                sys.exit("explain_torch.py: a residual with a projection is not compared")
            modules.append(Residual(inner))
        elif kind in ("maxpool", "avgpool"):
            modules.append((nn.MaxPool2d if kind == "maxpool" else nn.AvgPool2d)(layer["size"], layer["stride"]))
        elif kind == "dense":
            modules.append(nn.Linear(channels, layer["units"]))
        else:
            modules.append({"global_avgpool": nn.AdaptiveAvgPool2d(1), "flatten": nn.Flatten(), "silu": nn.SiLU()}.get(kind, nn.Identity()))
        network = modules[-1].eval()
        shape = tuple(network(torch.zeros(1, *shape)).shape[1:])
    return nn.Sequential(*modules), shape


def find_layers(network, shape):
    """The fine module: the first with the smallest output of at least 28 rows and columns, or as many as the image has. Then the first ones
    with at most half the places of the one before, and the deep one, the last with at least 7 rows and columns. A convolution's batch
    normalization belongs to it."""
    x, places = torch.zeros(1, *shape), {}
    for i, module in enumerate(network):
        x = module(x)
        if x.dim() == 4 and x.shape[2] >= min(7, shape[1]) and x.shape[3] >= min(7, shape[2]):
            places[i] = x.shape[2] * x.shape[3]
            deep = i
            if x.shape[2] >= min(28, shape[1]) and x.shape[3] >= min(28, shape[2]):
                smallest = places[i]
    found = [min(i for i in places if places[i] == smallest)]
    for i in places:
        if i > found[0] and 2 * places[i] <= places[found[-1]]:
            found.append(i)
    found = [i + isinstance(network[i + 1], nn.BatchNorm2d) for i in found]
    return [network[i] for i in found + [deep] * (found[-1] < deep)]


def hirescam(network, layer, x):
    with SignedHiResCAM(model=network, target_layers=[layer]) as cam:
        return torch.tensor(cam(input_tensor=x, targets=[Logit()])[0])


def explain(network, layers, x):
    """The product of the maps of layers, as heat_map.h defines it, and the largest value of the first."""
    fine, *coarse = (hirescam(network, layer, x)[None, None] for layer in layers)
    if coarse:
        window = torch.tensor([0.25, 0.5, 0.25])
        fine = nn.functional.conv2d(nn.functional.pad(fine, (1, 1, 1, 1), mode="replicate"), torch.outer(window, window)[None, None])
    scale = fine.abs().max()
    for layer in coarse:
        weights = nn.functional.interpolate(layer / layer.abs().max(), size=fine.shape[2:], mode="bilinear", align_corners=False)
        fine = torch.where(fine * weights > 0, fine * weights.abs(), torch.zeros(()))
    return fine[0, 0], scale


def add_noise(picture):
    """-8 to 8, of a fixed sequence."""
    state, noisy = 1, bytearray(picture.tobytes())
    for i, value in enumerate(noisy):
        state = (state * 1103515245 + 12345) % 2**31
        noisy[i] = min(255, max(0, (value if value > 8 else 8) + (state >> 16) % 17 - 8))
    return Image.frombytes(picture.mode, picture.size, bytes(noisy))


def compare(program, path, images):
    with safe_open(path, "pt") as file:
        config = json.loads(file.metadata()["cnntrain.config"])
    channels, height, width = shape = tuple(config["image"][key] for key in ("channels", "height", "width"))
    network, _ = sequence(config["layers"][:-1], shape)
    network.load_state_dict(load_file(path))
    network.eval()
    mean, deviation = (torch.tensor(config["normalization"][key])[:channels].view(channels, 1, 1) for key in ("mean", "deviation"))
    worst = 0.0
    for image in images:
        mode = "RGB" if channels == 3 else "L"
        picture = ImageOps.exif_transpose(Image.open(image)).convert(mode).resize((width, height), Image.BILINEAR)
        picture = add_noise(picture)
        with tempfile.NamedTemporaryFile(suffix=".png") as file:
            picture.save(file, "PNG")
            file.flush()
            lines = subprocess.run([program, path, file.name], check=True, capture_output=True, text=True).stdout.split()
        ours = torch.tensor([float(word) for word in lines[3:]]).view(int(lines[1]), int(lines[2]))
        x = torch.frombuffer(bytearray(picture.tobytes()), dtype=torch.uint8).view(height, width, channels).permute(2, 0, 1)
        theirs, scale = explain(network, find_layers(network, shape), ((x / 255 - mean) / deviation).unsqueeze(0))
        difference = ((ours * config.get("temperature", 1.0) - theirs).abs().max() / scale).item()
        print(f"{image}: {difference:.2g} of the fine map's largest value, {scale:.4g}; the product's is {theirs.abs().max():.4g}")
        worst = max(worst, difference)
    return 0 if worst <= LIMIT else 1


def simple(count, factor, modulus):
    """The numbers that `simple_numbers` of test_heat_map.c makes."""
    return torch.tensor([((i * factor + 11) % modulus) / modulus - 0.5 for i in range(count)])


def golden():
    layers = [nn.Conv2d(2, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 5, 3, padding=1), nn.ReLU()]
    network = nn.Sequential(*layers, nn.AvgPool2d(3, 2), nn.Flatten(), nn.Linear(45, 6), nn.LeakyReLU(0.01), nn.Linear(6, 1)).eval()
    state = network.state_dict()
    for factor, name in enumerate([name for name in state if not name.endswith("tracked")]):
        values = simple(state[name].numel(), 37 + 2 * factor, 101)
        state[name] = (values + 1 if name == "1.running_var" else values).view(state[name].shape)
    network.load_state_dict(state)
    x = simple(2 * 14 * 14, 29, 97).view(1, 2, 14, 14)
    deep = [network(x).item(), *hirescam(network, layers[5], x).flatten().tolist()]
    product = explain(network, find_layers(network, (2, 14, 14)), x)[0].flatten().tolist()
    for numbers in deep, product:
        print(", ".join(f"{number:.7g}" for number in numbers), end="\n\n")
    return 0


if __name__ == "__main__":
    if sys.argv[1:] == ["--golden"]:
        sys.exit(golden())
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    sys.exit(compare(sys.argv[1], sys.argv[2], sys.argv[3:]))
