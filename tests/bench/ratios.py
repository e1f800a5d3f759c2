#!/usr/bin/env python3
"""How many times as fast is cnntrain as PyTorch? From the JSON of bench and of pytorch.py.

    tests/bench/ratios.py OURS PYTORCH [OURS PYTORCH ...]

Each pair was measured in the same minutes; the ratio is the median of the pairs' ratios. Of several
instruction sets and memory formats, the fastest of each pair counts."""

import json
import pathlib
import statistics
import sys


def fastest(results):
    """(network, batch size, threads) → the step with the most images/s."""
    best = {}
    for network in results["networks"]:
        for step in network["steps"]:
            key = (network["name"], int(network["batch_size"]), int(step["threads"]))
            if key not in best or step["images_per_second"] > best[key]["images_per_second"]:
                best[key] = step
    return best


def show(pairs):
    """Prints a row for each network and number of threads that both sides have."""
    found = {}
    for ours, theirs in pairs:
        ours, theirs = fastest(ours), fastest(theirs)
        for key in ours:
            if key in theirs:
                found.setdefault(key, []).append((ours[key], theirs[key]))
    print(
        f"{'network':8} {'batch':>6} {'threads':>7} {'isa':8} {'ours':>10} {'PyTorch':>10}"
        f" {'format':14} {'ratio':>7} {'lowest':>7} {'highest':>7} {'pairs':>6}"
    )
    for (name, batch_size, threads), steps in found.items():
        each = [a["images_per_second"] / b["images_per_second"] for a, b in steps]
        ours = statistics.median(a["images_per_second"] for a, _ in steps)
        theirs = statistics.median(b["images_per_second"] for _, b in steps)
        print(
            f"{name:8} {batch_size:6} {threads:7} {steps[0][0]['isa']:8} {ours:10.0f} {theirs:10.0f}"
            f" {steps[0][1]['format']:14} {statistics.median(each):7.2f} {min(each):7.2f}"
            f" {max(each):7.2f} {len(each):6}"
        )


def main():
    files = sys.argv[1:]
    if not files or len(files) % 2 or files[0] in ("-h", "--help"):
        print(__doc__)
        sys.exit(0 if files and files[0] in ("-h", "--help") else 2)
    results = [json.loads(pathlib.Path(file).read_text(encoding="utf-8")) for file in files]
    show(list(zip(results[::2], results[1::2])))


if __name__ == "__main__":
    main()
