#!/usr/bin/env python3
"""Prints what TensorBoard reads from a run directory: a line per scalar of each epoch, "TAG EPOCH VALUE", and a line per text,
"TAG EPOCH text BYTES", and picture. Needs the package tensorboard.

    tests/tensorboard_read.py DIR

With several directories, compares what it reads from each with what it reads from the first, but for seconds, which differ, and
texts, which may name the directory. Prints the differences; the exit code is 1 if there are any.

    tests/tensorboard_read.py DIR DIR...
"""
import re
import sys

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator


def lines_of(directory):
    events = EventAccumulator(directory, size_guidance={"scalars": 0, "tensors": 0, "images": 0})
    events.Reload()
    for tag in events.Tags()["scalars"]:
        for event in events.Scalars(tag):
            yield f"{tag} {event.step} {event.value:.6g}"
    for tag in events.Tags()["tensors"]:
        for event in events.Tensors(tag):
            yield f"{tag} {event.step} text {len(event.tensor_proto.string_val[0])}"
    for tag in events.Tags()["images"]:
        for event in events.Images(tag):
            yield f"{tag} {event.step} image {event.width} {event.height}"


def comparable(directory):
    return [re.sub(r"^(seconds \d+|.* text) .*", r"\1", line) for line in lines_of(directory)]


if len(sys.argv) == 2:
    print(*lines_of(sys.argv[1]), sep="\n")
    sys.exit()
expected = comparable(sys.argv[1])
code = 0
for directory in sys.argv[2:]:
    found = comparable(directory)
    if found != expected:
        print(f"{directory}: missing: {[x for x in expected if x not in found]}; more: {[x for x in found if x not in expected]};"
              f" {len(found)} instead of {len(expected)}")
        code = 1
sys.exit(code)
