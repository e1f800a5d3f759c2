#!/usr/bin/env python3
"""Checks the model of several_machines.py, and the messages that cnnranks counts, by other means.

    tests/bench/check_several_machines.py CNNRANKS"""

import json
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.dont_write_bytecode = True
import several_machines as model  # noqa: E402

ROOT = model.ROOT
FAST = 1e18  # bytes a second


def expect(what, got, wanted, tolerance=1e-9):
    if abs(got - wanted) > tolerance:
        sys.exit(f"check_several_machines.py: {what}: got {got}, expected {wanted}")


def exchange(channel, begin, size, used=0.0):
    return {"channel": channel, "begin": begin, "bytes": size, "used": used}


def check_model():
    """Steps of one second, of which the update takes a tenth; times by hand."""
    def step(*rounds, ahead=True):
        return {"ahead": ahead, "seconds": 1.0, "gradients": 0.9, "rounds": list(rounds)}

    images = exchange(1, 0.0, 100)
    sums = exchange(0, 0.4, 1000)
    decisions = exchange(0, 0.95, 0)
    gradients = exchange(1, 0.5, 1000, 0.1)
    expect("no messages", model.predict(step(), 5.0, FAST), 1.0)
    expect("before and after the update", model.predict(step(sums, decisions), 0.01, FAST), 1.02)
    expect("bytes", model.predict(step(sums), 0.0, 1e4), 1.1)
    expect("hidden", model.predict(step(images, gradients), 0.2, FAST), 1.0)
    # 0 + 0.5 images, then 0.1 of work, and 0.5 more until the gradients are there; the update
    expect("in the open", model.predict(step(images, gradients), 0.5, FAST), 0.5 + 0.1 + 0.5 + 0.1)
    # sums delay the gradients, which begin at 0.85 + 0.3
    last = exchange(1, 0.85, 1000, 0.1)
    expect("both threads", model.predict(step(images, sums, last), 0.3, FAST), 0.85 + 0.6 + 0.1)
    # images until 0.01, gradients 0.5 to 1.3, and 0.1 more because of what begins at 0.55
    large, later = exchange(1, 0.5, 8000), exchange(0, 0.55, 1000)
    expect("one link", model.predict(step(images, large, later), 0.0, 1e4), 1.5)
    # as "in the open"; the decisions delay nothing before them
    both = step(images, gradients, decisions)
    expect("decisions", model.predict(both, 0.5, FAST), 0.5 + 0.1 + 0.5 + 0.1 + 0.5)
    alone = step(images, gradients, decisions, ahead=False)
    expect("one thread", model.predict(alone, 0.2, 1e4), 1.0 + 3 * 0.2 + 0.01 + 0.1)


def check_slower():
    def steps(*seconds):
        return {"ahead": False, "steps": [{"seconds": s, "gradients": s / 2} for s in seconds]}

    both = model.slower(steps(1.0, 4.0, 5.0), steps(2.0, 3.0))["steps"]
    expect("steps", len(both), 2)
    for step, wanted in zip(both, (2.0, 4.0)):
        expect("the slower one", step["seconds"], wanted)
        expect("its gradients", step["gradients"], wanted / 2)


def measure(program, file, ranks, batch, *more):
    command = [program, "--ranks", str(ranks), "--batch", str(batch), "--seconds", "0", *more, str(file)]
    measured = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
    return measured, model.medians(measured)["rounds"]


def check_messages(program):
    """Sizes and numbers of messages that follow from the algorithms."""
    for ranks, levels in ((2, 1), (4, 2), (8, 3)):
        measured, rounds = measure(program, ROOT / "configs/bench/small.json", ranks, 128)
        gradients = [r["bytes"] for r in rounds if r["channel"] == model.AHEAD][1:]
        every = 2 * (ranks - 1) / ranks * 4 * measured["parameters"]
        expect(f"gradients, {ranks} processes", sum(gradients), every, 64 * len(gradients))
        expect("rounds of one segment", len(gradients), 2 * levels)
        _, rounds = measure(program, ROOT / "configs/bench/small.json", ranks, 128, "--spare")
        gradients = [r["bytes"] for r in rounds if r["channel"] == model.AHEAD][1:]
        expect("gradients of two segments", sum(gradients), every, 64 * len(gradients))
        expect("rounds of two segments", len(gradients), 2 * 2 * levels)
        main = [r for r in rounds if r["channel"] == model.STEP]
        expect("results and decisions", len(main), 2 * levels)
        expect("blocks", measured["blocks"], 8 // ranks)
    measured, rounds = measure(program, model.HERE / "recipe.json", 4, 64)
    sums = sum(r["bytes"] for r in rounds if r["channel"] == model.STEP)
    channels = (16, 32, 64, 64, 64, 128, 128, 128)  # of its batch normalizations
    own = sum(2 * 3 * 8 * (1 + 2 * c) for c in channels)  # both ways, of three other blocks
    expect("sums of batch normalization", sums, own, 3 * (16 * 5 + 8))
    measured, rounds = measure(program, ROOT / "configs/bench/small.json", 1, 64)
    expect("messages of one process", len(rounds), 0)


if __name__ == "__main__":
    check_model()
    check_slower()
    check_messages(sys.argv[1])
