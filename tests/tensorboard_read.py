#!/usr/bin/env python3
"""Prints what TensorBoard reads from a run directory: a line per scalar of each epoch, "TAG EPOCH VALUE", and a line per text,
"TAG EPOCH text BYTES". Needs the package tensorboard.

    tests/tensorboard_read.py DIR
"""
import sys

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

events = EventAccumulator(sys.argv[1], size_guidance={"scalars": 0, "tensors": 0, "images": 0})
events.Reload()
for tag in events.Tags()["scalars"]:
    for event in events.Scalars(tag):
        print(tag, event.step, format(event.value, ".6g"))
for tag in events.Tags()["tensors"]:
    for event in events.Tensors(tag):
        print(tag, event.step, "text", len(event.tensor_proto.string_val[0]))
for tag in events.Tags()["images"]:
    for event in events.Images(tag):
        print(tag, event.step, "image", event.width, event.height)
