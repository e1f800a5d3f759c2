#!/usr/bin/env python3
"""Members per hour: `cnntrain --sweep`, compared with a shell loop around an equivalent PyTorch script (member_torch.py).

    tests/compare/sweep_torch.py CNNTRAIN FASHION [OPTION ...]

CNNTRAIN is the program; FASHION the folder with the four files of Fashion-MNIST, such as
/usr/share/datasets/fashion-mnist. The grid is three learning rates, two numbers of filters and two seeds, on shirts and
T-shirts. All sides train the same members on the same images with the same number of threads, from the same PNG files;
"arrays" is the loop with images that were decoded before. They take turns, in another order each round, since other
work on the machine affects all of them. Each of them starts without a cache. Times are of the whole: the start of every
process, reading, validation after each epoch, and writing models; for the sweep also its estimate of the time, its
comparison of the members and its report.

Needs NumPy, Pillow and PyTorch. Exit code 77: one of them is not installed."""

import argparse
import csv
import gzip
import json
import os
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile
import time

try:
    import numpy
    from PIL import Image
    import torch
except ImportError as error:
    print("sweep_torch.py:", error, file=sys.stderr)
    sys.exit(77)

HERE = pathlib.Path(__file__).resolve().parent
CLASSES = {0: "t-shirt", 6: "shirt"}


def arguments():
    """The options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cnntrain", type=pathlib.Path, metavar="CNNTRAIN")
    parser.add_argument("fashion", type=pathlib.Path, metavar="FASHION")
    parser.add_argument("--images", type=int, default=4000, help="training images (default: 4000)")
    parser.add_argument("--epochs", type=int, default=2, help="of each member (default: 2)")
    parser.add_argument("--rounds", type=int, default=3, help="times that each side runs (default: 3)")
    parser.add_argument("--threads", type=int, default=2, help="of each side (default: 2)")
    parser.add_argument("--rates", default="0.03,0.1,0.3", help="learning rates (default: 0.03,0.1,0.3)")
    parser.add_argument("--filters", default="8,16", help="filters of the first layer (default: 8,16)")
    parser.add_argument("--seeds", default="1,2", help="seeds (default: 1,2)")
    options = parser.parse_args()
    options.grid = [[json.loads(value) for value in text.split(",")] for text in (options.rates, options.filters, options.seeds)]
    options.members = len(options.grid[0]) * len(options.grid[1]) * len(options.grid[2])
    return options


def read_idx(path, header):
    """The bytes of an IDX file after its header."""
    return numpy.frombuffer(gzip.decompress(path.read_bytes()), dtype=numpy.uint8)[header:]


def write_images(options, work):
    """Writes png/SPLIT/CLASS/N.png, and the same images as arrays in npy/."""
    images = read_idx(options.fashion / "train-images-idx3-ubyte.gz", 16).reshape(-1, 28, 28)
    labels = read_idx(options.fashion / "train-labels-idx1-ubyte.gz", 8)
    chosen = numpy.flatnonzero(numpy.isin(labels, list(CLASSES)))
    names = sorted(CLASSES.values())
    (work / "npy").mkdir()
    first = 0
    for split, count in (("train", options.images), ("validation", options.images // 8)):
        part = chosen[first : first + count]
        first += count
        order = sorted(part, key=lambda i: (CLASSES[labels[i]], i))
        for i in order:
            folder = work / "png" / split / CLASSES[labels[i]]
            folder.mkdir(parents=True, exist_ok=True)
            Image.fromarray(images[i]).save(folder / f"{i:05}.png")
        numpy.save(work / "npy" / f"{split}.npy", images[order])
        numpy.save(work / "npy" / f"{split}_labels.npy", numpy.array([names.index(CLASSES[labels[i]]) for i in order]))


def write_config(options, work):
    """The config and the sweep file of the same members."""
    config = json.loads((HERE.parent.parent / "configs/fashion.json").read_text(encoding="utf-8"))
    config["data"] = {"train": str(work / "png/train"), "validation": str(work / "png/validation")}
    config["data"]["duplicates"] = "allow"
    config["train"]["epochs"] = options.epochs
    (work / "cfg.json").write_text(json.dumps(config), encoding="utf-8")
    rates, filters, seeds = options.grid
    sweep = {"grid": {"train.learning_rate": rates, "layers.0.filters": filters}, "seeds": seeds}
    (work / "sweep.json").write_text(json.dumps(sweep), encoding="utf-8")


def clocks():
    """The time, and that of processors in child processes that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.monotonic(), usage.ru_utime + usage.ru_stime


def elapsed(start):
    """Seconds of both since `start`."""
    return tuple(now - then for now, then in zip(clocks(), start))


def run_sweep(options, work, number, jobs):
    """Seconds of a clock and of processors, and the accuracies, of a sweep. Its cache is empty at the start."""
    out = work / f"sweep-{number}"
    command = [options.cnntrain, "--config", work / "cfg.json", "--sweep", work / "sweep.json", "--out", out]
    command += ["--quiet", "--threads", str(options.threads), *(["--jobs", str(jobs)] if jobs else [])]
    environment = {**os.environ, "XDG_CACHE_HOME": str(work / f"cache-{number}")}
    start = clocks()
    subprocess.run(command, check=True, env=environment)
    seconds = elapsed(start)
    with open(out / "sweep.csv", encoding="utf-8", newline="") as table:
        return seconds, [float(row["val_accuracy"]) for row in csv.DictReader(table)]


def run_loop(options, work, number, kind):
    """The same of the loop."""
    rates, filters, seeds = (" ".join(map(str, values)) for values in options.grid)
    script = (
        f'mkdir "$2"; for rate in {rates}; do for filters in {filters}; do for seed in {seeds}; do "$3" "$4" "$1" --rate $rate --filters $filters --seed $seed '
        f"--epochs {options.epochs} --threads {options.threads} --out $2/$rate-$filters-$seed.pt || exit 1; "
        "done; done; done"
    )
    values = [work / kind, work / f"loop-{number}", sys.executable, HERE / "member_torch.py"]
    start = clocks()
    done = subprocess.run(["sh", "-c", script, "sh", *values], check=True, stdout=subprocess.PIPE, text=True)
    seconds = elapsed(start)
    return seconds, [float(line.split(",")[-1]) for line in done.stdout.splitlines()]


def measure(options, work):
    """{side: [(seconds, accuracies)]}, a pair for each round."""
    sides = {
        "cnntrain --sweep": lambda n: run_sweep(options, work, n, 0),
        "cnntrain --sweep --jobs 2": lambda n: run_sweep(options, work, n, 2),
        "loop, PyTorch, PNG files": lambda n: run_loop(options, work, n, "png"),
        "loop, PyTorch, arrays": lambda n: run_loop(options, work, n, "npy"),
    }
    found = {side: [] for side in sides}
    for number in range(options.rounds):
        turn = list(sides)[number % len(sides) :] + list(sides)[: number % len(sides)]
        for place, side in enumerate(turn):
            found[side].append(sides[side](f"{number}-{place}"))
            print(f"round {number + 1}: {side}: {found[side][-1][0][0]:.1f} s", file=sys.stderr, flush=True)
    return found


def main():
    """Prints the table: medians of the rounds, and of their ratios; the mean accuracy of all members."""
    options = arguments()
    options.cnntrain = options.cnntrain.resolve()
    print(
        f"{options.members} members of {options.epochs} epochs with {options.images} images; {options.threads} threads; PyTorch "
        f"{torch.__version__}; load before: {os.getloadavg()[0]:.2f}"
    )
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        write_images(options, work)
        write_config(options, work)
        found = measure(options, work)
    print(f"{'':28}{'seconds':>9}{'processors':>12}{'members/hour':>14}{'accuracy':>10}  ratio to the loop: PNG files, arrays")
    for side, rounds in found.items():
        seconds, processors = (statistics.median(one[0][i] for one in rounds) for i in (0, 1))
        accuracy = statistics.mean(value for one in rounds for value in one[1])
        ratios = [
            statistics.median(loop[0][0] / own[0][0] for own, loop in zip(rounds, found[f"loop, PyTorch, {kind}"]))
            for kind in ("PNG files", "arrays")
        ]
        print(
            f"{side:28}{seconds:9.1f}{processors:12.1f}{options.members * 3600 / seconds:14.0f}{accuracy:10.4f}"
            f"  {ratios[0]:9.2f} {ratios[1]:9.2f}"
        )


main()
