#!/usr/bin/env python3
"""One training run in PyTorch, as a shell loop over hyperparameters starts it: sweep_torch.py measures such a loop.

    tests/compare/member_torch.py IMAGES [OPTION ...]

IMAGES is a folder with the folders train and validation, each with two class folders of PNG files, or a folder with
train.npy, train_labels.npy, validation.npy, validation_labels.npy. The network is that of configs/fashion.json."""

import argparse
import os
import pathlib

os.environ.pop("OPENBLAS_CORETYPE", None)  # an older processor's would slow dense layers down

import numpy
import torch
from torch import nn


def read_split(folder, split):
    """Images of a split, as a tensor of bytes, and their labels. All are decoded once and kept in memory."""
    if (folder / f"{split}.npy").exists():
        images = numpy.load(folder / f"{split}.npy")
        labels = numpy.load(folder / f"{split}_labels.npy")
    else:
        from PIL import Image

        images, labels = [], []
        for label, name in enumerate(sorted(entry.name for entry in (folder / split).iterdir())):
            for path in sorted((folder / split / name).iterdir()):
                images.append(numpy.asarray(Image.open(path)))
                labels.append(label)
        images, labels = numpy.stack(images), numpy.array(labels)
    return torch.from_numpy(images).unsqueeze(1), torch.from_numpy(labels).float().unsqueeze(1)


def network(filters):
    """The network of configs/fashion.json."""
    return nn.Sequential(
        nn.Conv2d(1, filters, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(filters, 32, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(32 * 7 * 7, 64),
        nn.ReLU(),
        nn.Linear(64, 1),
    )


def validate(model, images, labels):
    """Mean loss and accuracy."""
    model.eval()
    with torch.inference_mode():
        logits = torch.cat([model(part.float() / 255) for part in images.split(256)])
    loss = nn.functional.binary_cross_entropy_with_logits(logits, labels).item()
    return loss, ((logits > 0) == (labels > 0.5)).float().mean().item()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("images", type=pathlib.Path)
    parser.add_argument("--rate", type=float, default=0.1)
    parser.add_argument("--filters", type=int, default=16)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    images, labels = read_split(options.images, "train")
    validation = read_split(options.images, "validation")
    model = network(options.filters)
    optimizer = torch.optim.SGD(model.parameters(), lr=options.rate)
    for _ in range(options.epochs):
        model.train()
        for batch in torch.randperm(len(images)).split(options.batch):
            optimizer.zero_grad()
            logits = model(images[batch].float() / 255)
            nn.functional.binary_cross_entropy_with_logits(logits, labels[batch]).backward()
            optimizer.step()
        loss, accuracy = validate(model, *validation)
    torch.save(model.state_dict(), options.out.with_suffix(".pt"))
    print(f"{options.rate},{options.filters},{options.seed},{loss:.6f},{accuracy:.6f}", flush=True)


main()
