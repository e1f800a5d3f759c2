#!/usr/bin/env python3
"""Exports networks of torchvision with both exporters of PyTorch, and compares what cnnconvert makes of them with ONNX Runtime (onnx_import.py):
onnx_torch.py CNNCONVERT FEATURES [NETWORK ...], where FEATURES is build/tests/pretrained_features.

Weights are random, from a fixed seed, and so are the averages of batch normalization. A network that cannot be read (squeezenet1_1, which has
Concat) is compared up to the node that the message names. Exit code 1 if a feature differs by more than 1e-5 of the largest. Needs torch,
torchvision, numpy, onnx, onnxscript and onnxruntime; minutes, and 2 GB for vgg11_bn.
"""
import os
import re
import subprocess
import sys
import tempfile
import warnings

import torch
import torchvision

NETWORKS = ["resnet18", "mobilenet_v2", "squeezenet1_1", "vgg11_bn"]
COMPARE = os.path.join(os.path.dirname(__file__), "onnx_import.py")


def export(name, modern, path):
    torch.manual_seed(1)
    network = getattr(torchvision.models, name)(weights=None).eval()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.uniform_(-0.2, 0.2)
            module.running_var.uniform_(0.5, 1.5)
            module.weight.data.uniform_(0.6, 1.4)
            module.bias.data.uniform_(-0.2, 0.2)
    image = torch.randn(1, 3, 224, 224)
    if modern:
        torch.onnx.export(network, (image,), path, dynamo=True, external_data=False, opset_version=18, verbose=False)
    else:
        torch.onnx.export(network, image, path, dynamo=False, opset_version=13, input_names=["x"], dynamic_axes={"x": {0: "N"}})


def main():
    programs, names = sys.argv[1:3], sys.argv[3:] or NETWORKS
    warnings.filterwarnings("ignore")
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            for modern in (False, True):
                path = os.path.join(folder, f"{name}-{'new' if modern else 'old'}.onnx")
                export(name, modern, path)
                command = [sys.executable, COMPARE, *programs, path, "--imagenet"]
                done = subprocess.run(command, check=False, capture_output=True, text=True)
                until = re.search(r'--until "(.*)"', done.stderr)
                if until:
                    print(done.stderr, end="")
                    done = subprocess.run([*command, "--until", until.group(1)], check=False, capture_output=True, text=True)
                print(done.stdout + done.stderr, end="", flush=True)
                failed += done.returncode != 0
                os.remove(path)
    return 1 if failed else 0


sys.exit(main())
