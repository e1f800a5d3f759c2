#!/usr/bin/env python3
"""Do time and memory grow in proportion to the number of images? Small images, up to a million of them.

    tests/bench/many_images.py BUILD FASHION [--counts 10000,100000,1000000] [--work DIR]

BUILD is the folder with the programs; FASHION that with the files of Fashion-MNIST, such as
/usr/share/datasets/fashion-mnist. Makes an IDX file with as many images, shirts and T-shirts: each is one of the
dataset's 12,000, shifted, made brighter or darker, and with noise, so that no two are equal. A run of one epoch of a
small network reads them, once without and once with a cache; --check-data, --init and cnneval look at all of them.
Prints seconds (start: of a run, before and after its epoch), seconds of processors, which other work on the machine
changes least, and the largest memory of each process. Files that are mapped, such as the cache, are part of it.

Needs NumPy, and a KiB of disk for each image. Exit code 77: NumPy is not installed."""

import argparse
import csv
import gzip
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

try:
    import numpy
except ImportError as error:
    print("many_images.py:", error, file=sys.stderr)
    sys.exit(77)

SIDE, CHUNK = 28, 10000
HEADER = {"images": [0, 0, 8, 3], "labels": [0, 0, 8, 1]}
CONFIG = {
    "image": {"width": SIDE, "height": SIDE, "channels": 1},
    "layers": [
        {"type": "conv", "filters": 4, "kernel": 3, "padding": "same"},
        {"type": "relu"},
        {"type": "maxpool", "size": 4},
        {"type": "flatten"},
        {"type": "dense", "units": 1},
        {"type": "sigmoid"},
    ],
    "train": {"epochs": 1, "batch_size": 64, "learning_rate": 0.05, "seed": 1},
}


def arguments():
    """The options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=lambda text: pathlib.Path(text).resolve(), metavar="BUILD")
    parser.add_argument("fashion", type=pathlib.Path, metavar="FASHION")
    parser.add_argument("--counts", default="10000,100000,1000000", help="numbers of images")
    parser.add_argument("--only", default="train,cached,check-data,init,cnneval", help="what to measure")
    parser.add_argument("--work", type=pathlib.Path, help="keep files here (default: a temporary folder)")
    return parser.parse_args()


def read_idx(path, header):
    """The bytes of an IDX file after its header."""
    return numpy.frombuffer(gzip.decompress(path.read_bytes()), dtype=numpy.uint8)[header:]


def changed(images, random):
    """The images, shifted by up to two pixels, brighter or darker, with noise."""
    padded = numpy.pad(images, ((0, 0), (2, 2), (2, 2)))
    rows, columns = random.integers(0, 5, (2, len(images)))
    index = numpy.arange(SIDE)
    shifted = padded[
        numpy.arange(len(images))[:, None, None], rows[:, None, None] + index[:, None], columns[:, None, None] + index
    ]
    scale = random.uniform(0.7, 1.3, (len(images), 1, 1)).astype(numpy.float32)
    noise = random.integers(-12, 13, shifted.shape, dtype=numpy.int16)
    return numpy.clip(shifted * scale + noise, 0, 255).astype(numpy.uint8)


def make_images(options, folder, count):
    """Writes the IDX files of `count` images."""
    images = read_idx(options.fashion / "train-images-idx3-ubyte.gz", 16).reshape(-1, SIDE, SIDE)
    labels = read_idx(options.fashion / "train-labels-idx1-ubyte.gz", 8)
    chosen = numpy.flatnonzero((labels == 0) | (labels == 6))
    random = numpy.random.default_rng(1)
    folder.mkdir(parents=True)
    with open(folder / "train-images-idx3-ubyte", "wb") as to, open(folder / "train-labels-idx1-ubyte", "wb") as classes:
        to.write(bytes(HEADER["images"]) + count.to_bytes(4, "big") + 2 * SIDE.to_bytes(4, "big"))
        classes.write(bytes(HEADER["labels"]) + count.to_bytes(4, "big"))
        for start in range(0, count, CHUNK):
            part = chosen[numpy.arange(start, min(start + CHUNK, count)) % len(chosen)]
            to.write(changed(images[part], random).tobytes())
            classes.write((labels[part] == 6).astype(numpy.uint8).tobytes())


def wait(process):
    """(rusage, MiB at most) when the process ends. Its ru_maxrss would contain the memory of this one."""
    peak = 0
    while True:
        ended, status, usage = os.wait4(process.pid, os.WNOHANG)
        if ended:
            process.returncode = os.waitstatus_to_exitcode(status)
            return usage, peak / 1024
        for line in pathlib.Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8").splitlines():
            if line.startswith("VmHWM:"):
                peak = int(line.split()[1])
        time.sleep(0.01)


def run(command, work, log):
    """(seconds, seconds of processors, MiB at most) of a process."""
    start = time.monotonic()
    environment = {**os.environ, "XDG_CACHE_HOME": str(work / "cache"), "LC_ALL": "C"}
    with open(work / log, "wb") as output:
        process = subprocess.Popen([str(part) for part in command], env=environment, stdout=output, stderr=output)
        usage, peak = wait(process)
    if process.returncode != 0:
        sys.exit(f"{command}: exit code {process.returncode}: {(work / log).read_text(encoding='utf-8')[-1000:]}")
    return time.monotonic() - start, usage.ru_utime + usage.ru_stime, peak


def train(options, work, out):
    """(seconds before and after the epoch, of the epoch, and of processors; MiB) of a run."""
    command = [options.build / "cnntrain", "--config", work / "cfg.json", "--overwrite", "--out", out, "--no-report"]
    seconds, busy, memory = run(command, work, "train.log")
    with open(out / "metrics.csv", encoding="utf-8", newline="") as table:
        epoch = sum(float(row["seconds"]) for row in csv.DictReader(table))
    return seconds - epoch, epoch, busy, memory


def print_row(count, name, seconds, busy=None, memory=None):
    """A row of the table; of a part of a process, only the seconds."""
    rest = f"{busy:12.1f}{memory:8.0f}" if busy is not None else ""
    print(f"{count:9} {name:14}{seconds:9.1f}{rest}", flush=True)


def measure(options, work, count):
    """Prints a row for each command."""
    images = work / "images"
    if not images.exists():
        make_images(options, images, count)
    config = {**CONFIG, "data": {"train": str(images), "validation": 0.1}}
    (work / "cfg.json").write_text(json.dumps(config), encoding="utf-8")
    out = work / "run"
    only = options.only.split(",")
    for name in ("train", "cached"):
        if name in only:
            start, epoch, busy, memory = train(options, work, out)
            print_row(count, f"{name}, start", start)
            print_row(count, f"{name}, epoch", epoch)
            print_row(count, f"{name}, all", start + epoch, busy, memory)
    commands = {
        "check-data": ["cnntrain", "--config", work / "cfg.json", "--check-data", "--out", work / "checked"],
        "init": ["cnntrain", "--init", images],
        "cnneval": ["cnneval", out / "model.bin", images],
    }
    for name, command in commands.items():
        if name in only:
            print_row(count, name, *run([options.build / command[0], *command[1:]], work, f"{name}.log"))


def main():
    """Measures every number of images."""
    options = arguments()
    print(f"load before: {os.getloadavg()[0]:.2f}", flush=True)
    print("   images                seconds  processors     MiB", flush=True)
    for count in map(int, options.counts.split(",")):
        if options.work:
            work = options.work / str(count)
            work.mkdir(parents=True, exist_ok=True)
            measure(options, work, count)
        else:
            with tempfile.TemporaryDirectory() as folder:
                measure(options, pathlib.Path(folder), count)


main()
