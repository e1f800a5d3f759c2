"""Pages of real runs, made by the programs: a run, a cross-validation, a sweep, an evaluation, and a run whose classes,
files and directory have hostile names."""
import gzip
import json
import os
import pathlib
import subprocess

FASHION = pathlib.Path(os.environ.get("FASHION_MNIST_DIR", "/usr/share/datasets/fashion-mnist"))
SIDE = 28
CLASSES = {"t-shirt": 0, "shirt": 6}  # and their labels in Fashion-MNIST
TRAIN, TEST = 120, 40  # images of a class

# names of files, as bytes and what readers see of them
HOSTILE_FILES = [
    (b"<script>alert(1)<\\script>.pgm", "<script>alert(1)<\\script>.pgm"),
    (b"\"><img src=x onerror=alert(2)>.pgm", "\"><img src=x onerror=alert(2)>.pgm"),
    (b"'onmouseover='alert(3)'.pgm", "'onmouseover='alert(3)'.pgm"),
    (b"&lt;b&gt; &amp; ]]> <!-- .pgm", "&lt;b&gt; &amp; ]]> <!-- .pgm"),
    ("\u202emgp.tac\u202c.pgm".encode(), "\ufffdmgp.tac\ufffd.pgm"),
    (b"\xff\xfe\xc3(.pgm", "\ufffd\ufffd\ufffd(.pgm"),
    (b"250-bytes-" + b"m" * 236 + b".pgm", "m" * 236 + ".pgm"),
    (b"a\tb\x1b[31m.pgm", "a\tb\ufffd[31m.pgm")]
HOSTILE_CLASSES = [("<b onclick=alert(5)>\"t-shirt\"", "<b onclick=alert(5)>\"t-shirt\""),
                   ("\u202e</style>'shirt'", "\ufffd</style>'shirt'")]
HOSTILE_RUN = "run<svg onload=alert(6)>"


def read_fashion():
    """Images of each class: {label: [bytes]}."""
    pixels = gzip.decompress((FASHION / "t10k-images-idx3-ubyte.gz").read_bytes())[16:]
    labels = gzip.decompress((FASHION / "t10k-labels-idx1-ubyte.gz").read_bytes())[8:]
    size = SIDE * SIDE
    return {label: [pixels[i * size:(i + 1) * size] for i, other in enumerate(labels) if other == label]
            for label in CLASSES.values()}


def draw():
    """Where Fashion-MNIST is not installed: discs, to the left or to the right, some of them near the middle."""
    def disc(label, i):
        x, y, radius = 14 + (-1 if label == 0 else 1) * (i * 7 % 9 - 2), 8 + i * 5 % 13, 3 + i % 4
        return bytes(230 - i % 60 if (c - x) ** 2 + (r - y) ** 2 < radius ** 2 else 20 + (i * 31 + r * 17 + c * 13) % 40
                     for r in range(SIDE) for c in range(SIDE))
    return {label: [disc(label, i) for i in range(TRAIN + TEST)] for label in CLASSES.values()}


def write(path, pixels):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(b"P5\n%d %d\n255\n" % (SIDE, SIDE) + pixels)


def write_images(folder, images):
    for name, label in CLASSES.items():
        for i, pixels in enumerate(images[label][:TRAIN + TEST]):
            write(f"{folder}/{'train' if i < TRAIN else 'test'}/{name}/{i:03}.pgm", pixels)
    for (name, _), label in zip(HOSTILE_CLASSES, CLASSES.values()):
        for i, pixels in enumerate(images[label][:TRAIN]):
            write(f"{folder}/hostile/{name}/{i}.pgm", pixels)
        for i, (file, _) in enumerate(HOSTILE_FILES):
            if (i % 2 == 0) == (label == 0):
                write(os.fsencode(f"{folder}/hostile-test/{name}/") + file, images[label][TRAIN + i])


def config(folder, train, test, classes):
    layers = [{"type": "conv", "filters": 8, "kernel": 3, "padding": "same"}, {"type": "relu"}, {"type": "maxpool", "size": 2},
              {"type": "conv", "filters": 16, "kernel": 3, "padding": "same"}, {"type": "relu"}, {"type": "maxpool", "size": 2},
              {"type": "flatten"}, {"type": "dense", "units": 1}, {"type": "sigmoid"}]
    data = {"train": train, "validation": 0.2, "classes": classes}
    text = json.dumps({"data": dict(data, test=test) if test else data,
                       "image": {"width": SIDE, "height": SIDE, "channels": 1}, "layers": layers,
                       "train": {"epochs": 4, "batch_size": 16, "optimizer": "sgd", "learning_rate": 0.1, "seed": 1}})
    path = f"{folder}/{train}.json" if test else f"{folder}/folds.json"
    pathlib.Path(path).write_text(text)
    return path


def make(cnntrain, cnneval, folder):
    """The pages, as (path, names that it must show)."""
    write_images(folder, read_fashion() if FASHION.is_dir() else draw())

    def run(*command):
        subprocess.run([*command, "--quiet"], cwd=folder, check=True, stdout=subprocess.DEVNULL,
                       env=dict(os.environ, XDG_CACHE_HOME=f"{folder}/cache"))

    plain = config(folder, "train", "test", list(CLASSES))
    run(cnntrain, "--config", plain, "--out", "run")
    run(cnntrain, "--config", config(folder, "train", None, list(CLASSES)), "--folds", "3", "--out", "folds", "train.epochs=2")
    sweep = {"grid": {"train.learning_rate": [0.01, 0.1], "layers.0.filters": [4, 8],
                      "layers.1": [{"type": "relu"}, {"type": "leaky_relu"}]}}
    pathlib.Path(f"{folder}/sweep.json").write_text(json.dumps(sweep))
    run(cnntrain, "--config", plain, "--sweep", "sweep.json", "--out", "sweep", "train.epochs=2")
    run(cnneval, "run/model.bin", "test", "--report", "evaluation.html")
    hostile = config(folder, "hostile", "hostile-test", [name for name, _ in HOSTILE_CLASSES])
    run(cnntrain, "--config", hostile, "--out", HOSTILE_RUN)
    names = [shown for _, shown in HOSTILE_FILES + HOSTILE_CLASSES] + [HOSTILE_RUN]
    return [(f"{folder}/run/report.html", list(CLASSES)), (f"{folder}/folds/report.html", list(CLASSES)),
            (f"{folder}/sweep/report.html", list(CLASSES)), (f"{folder}/evaluation.html", list(CLASSES)),
            (f"{folder}/{HOSTILE_RUN}/report.html", names)]
