#!/usr/bin/env python3
"""Training steps of the same networks in PyTorch, on the CPU: images/s in both memory formats.

    tests/bench/pytorch.py [OPTION ...] CONFIG ...

Same layers, batch, optimizer and loss (BCEWithLogitsLoss); random float images that are ready in
memory, so that PyTorch does not need the step that bench calls "fill". Exit code 77: PyTorch is not installed."""

import argparse
import json
import os
import pathlib
import re
import statistics
import sys
import time

import ratios

os.environ.pop("OPENBLAS_CORETYPE", None)  # an older processor's would slow dense layers down

try:
    import torch
    from torch import nn
except ImportError:
    print("pytorch.py: PyTorch is not installed for", sys.executable, file=sys.stderr)
    print("  Debian, Ubuntu: apt-get install python3-torch, and /usr/bin/python3", file=sys.stderr)
    sys.exit(77)

ROUNDS = 11
IMAGES = 1024
FORMATS = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}


def blas():
    """Where this PyTorch's matrix products come from: the libraries in use, or how it was built."""
    torch.rand(8, 8) @ torch.rand(8, 8)
    with open("/proc/self/maps", encoding="utf-8") as maps:
        files = {line.split()[-1] for line in maps if re.search(r"/lib[^/]*(blas|blis|mkl)", line)}
    built = re.search(r"BLAS_INFO=(\w+)", torch.__config__.show())
    return ", ".join(sorted(files)) or (built.group(1) if built else "unknown")


def arguments():
    processors = len(os.sched_getaffinity(0))
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("configs", nargs="+", metavar="CONFIG")
    parser.add_argument("--json", metavar="FILE", help="write the results there, too")
    parser.add_argument("--ours", metavar="FILE", help="JSON of bench: print ratios to it")
    parser.add_argument(
        "--threads",
        metavar="LIST",
        type=lambda text: [int(n) for n in text.split(",")],
        default=sorted({1, processors}),
        help="such as 1,2 (default: 1 and all processors)",
    )
    parser.add_argument(
        "--seconds", metavar="S", type=float, default=1.0, help="for each measurement (default: 1)"
    )
    parser.add_argument("--batch", metavar="N", type=int, help="default: the config's")
    return parser.parse_args()


def convolution(layer, channels):
    kernel, stride = layer["kernel"], layer.get("stride", 1)
    padding = layer.get("padding", "valid")
    modules = []
    if padding == "same" and kernel % 2 == 0:  # the odd row of zeros comes after
        modules.append(nn.ZeroPad2d(((kernel - 1) // 2, kernel // 2) * 2))
        padding = 0
    elif padding == "same":
        padding = kernel // 2
    elif padding == "valid":
        padding = 0
    modules.append(nn.Conv2d(channels, layer["filters"], kernel, stride, padding))
    return modules


def network(config):
    """The config's layers without the last sigmoid, which is part of the loss."""
    image = config["image"]
    shape = torch.zeros(1, image.get("channels", 1), image["height"], image["width"])
    modules = []
    for layer in config["layers"][:-1]:
        kind = layer["type"]
        if kind == "conv":
            new = convolution(layer, shape.shape[1])
        elif kind == "maxpool":
            new = [nn.MaxPool2d(layer["size"], layer.get("stride", layer["size"]))]
        elif kind == "dense":
            new = [nn.Linear(shape.shape[1], layer["units"])]
        else:
            new = [{"relu": nn.ReLU, "flatten": nn.Flatten, "sigmoid": nn.Sigmoid}[kind]()]
        with torch.no_grad():
            for module in new:
                shape = module(shape)
        modules += new
    return nn.Sequential(*modules)


class Workload:
    """A network in training, with a memory format and a number of threads."""

    def __init__(self, config, batch_size, memory_format, threads):
        self.format, self.threads, self.batch_size = memory_format, threads, batch_size
        train, image = config.get("train", {}), config["image"]
        torch.manual_seed(1)
        self.network = network(config).to(memory_format=FORMATS[memory_format])
        momentum = train.get("momentum", 0.9) if train.get("optimizer") == "momentum" else 0.0
        self.optimizer = torch.optim.SGD(
            self.network.parameters(), lr=train.get("learning_rate", 0.01), momentum=momentum
        )
        self.loss = nn.BCEWithLogitsLoss()
        count = max(1, IMAGES // batch_size)
        size = (batch_size, image.get("channels", 1), image["height"], image["width"])
        self.images = [
            torch.rand(size).contiguous(memory_format=FORMATS[memory_format]) for _ in range(count)
        ]
        self.labels = [torch.randint(0, 2, (batch_size, 1)).float() for _ in range(count)]
        self.next = 0
        self.rounds = []

    def step(self):
        self.optimizer.zero_grad(set_to_none=True)
        self.loss(self.network(self.images[self.next]), self.labels[self.next]).backward()
        self.optimizer.step()
        self.next = (self.next + 1) % len(self.images)

    def round(self, seconds):
        torch.set_num_threads(self.threads)
        for _ in range(2):  # to warm up
            self.step()
        begin = now = time.perf_counter()
        steps = 0
        while steps == 0 or now - begin < seconds:
            self.step()
            steps += 1
            now = time.perf_counter()
        self.rounds.append((now - begin) / steps)

    def result(self):
        seconds = statistics.median(self.rounds)
        return {
            "format": self.format,
            "threads": self.threads,
            "images_per_second": self.batch_size / seconds,
            "step_seconds": seconds,
            "step_seconds_best": min(self.rounds),
            "step_seconds_worst": max(self.rounds),
            "rounds": len(self.rounds),
        }


def measure(path, options):
    config = json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
    batch_size = options.batch or config.get("train", {}).get("batch_size", 32)
    workloads = [
        Workload(config, batch_size, memory_format, threads)
        for threads in options.threads
        for memory_format in FORMATS
    ]
    for _ in range(ROUNDS):  # in turn, so that a busy machine hits all of them alike
        for workload in workloads:
            workload.round(options.seconds / ROUNDS)
    return {
        "name": pathlib.Path(path).stem,
        "batch_size": batch_size,
        "steps": [workload.result() for workload in workloads],
    }


def main():
    options = arguments()
    library = blas()
    print(f"PyTorch {torch.__version__}, BLAS: {library}")
    if re.fullmatch(r"\S*/blas/libblas\.so\S*", library):
        print(
            "pytorch.py: this is the slow reference BLAS, no fair rival: its dense layers take up to"
            "\n  half of a step. Debian, Ubuntu: apt-get install libopenblas0-openmp",
            file=sys.stderr,
        )
    print(f"\n{'network':8} {'format':14} {'threads':>7} {'images/s':>10} {'ms/step':>10}")
    results = {"pytorch": torch.__version__, "blas": library, "networks": []}
    for path in options.configs:
        results["networks"].append(measure(path, options))
        for step in results["networks"][-1]["steps"]:
            print(
                f"{results['networks'][-1]['name']:8} {step['format']:14} {step['threads']:7}"
                f" {step['images_per_second']:10.0f} {1e3 * step['step_seconds']:10.4f}",
                flush=True,
            )
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    if options.ours:
        print()
        ratios.show([(json.loads(pathlib.Path(options.ours).read_text(encoding="utf-8")), results)])


if __name__ == "__main__":
    main()
