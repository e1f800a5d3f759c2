#!/usr/bin/env python3
"""Do two commits compute the same bytes? Builds both, lets both train, resume, predict and evaluate the same things,
and compares all files that they leave: tensors, metadata, tables and text.

    tests/compare/compare_commits.py OLD [NEW]              NEW is HEAD unless given
    tests/compare/compare_commits.py --quick OLD            a minute
    tests/compare/compare_commits.py --timing OLD [NEW]     time and memory instead of bytes

OLD and NEW are commits of the repository, or folders with its source. What is compared:

  - every config in configs/ and configs/bench/, made short, on images of tests/make_images and, where the Debian
    package dataset-fashion-mnist is installed, on some of Fashion-MNIST;
  - random networks and settings from a seed, which together use every layer type that OLD's schema names (else the
    comparison fails), both numbers of channels, all optimizers, schedules and augmentations;
  - each with the instruction sets that the processor has, both ways of computing convolutions, and 1 to 3 threads;
  - runs stopped by SIGTERM, SIGKILL and --max-seconds and resumed, one of them begun by OLD and ended by NEW; finished
    runs that get more epochs; cross-validation; cnnpredict, cnneval and --init; OLD's model read by NEW.

Not compared: times, checkpoint.bin itself, and messages. Exit code: 0 no difference, 1 differences (the first ones are
printed), 2 wrong usage or a build that fails. Needs Python 3.9, git, and what a build needs."""

import argparse
import concurrent.futures
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile

from cases import Case, Side, Variant, disagreements, run_case
from differences import Difference, compare_folders, read_safetensors
from networks import Coverage, fixed_layers, random_config
from timing import compare_times

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PROGRAMS = ["cnntrain_program", "cnnpredict_program", "cnneval_program", "make_images", "idx_to_png"]
FASHION = pathlib.Path(os.environ.get("FASHION_MNIST_DIR", "/usr/share/datasets/fashion-mnist"))


def fail(message):
    """Ends the program for a reason that is no difference."""
    sys.exit(f"compare_commits.py: {message}")


# --- builds ---


def source_of(name, work):
    """The source folder of a commit, unpacked below work, or of a folder as it is. Returns (folder, description)."""
    if (pathlib.Path(name) / "CMakeLists.txt").exists():
        return pathlib.Path(name).resolve(), str(name)
    found = subprocess.run(
        ["git", "-C", ROOT, "log", "-1", "--format=%H %h %s", name, "--"], capture_output=True, text=True, check=False
    )
    if found.returncode != 0 or not found.stdout.strip():
        fail(f"{name}: expected a commit, or a folder with CMakeLists.txt")
    full, description = found.stdout.strip().split(" ", 1)
    folder = work / f"source-{full}"
    if not folder.exists():
        partial = work / f"partial-{os.getpid()}"
        partial.mkdir()
        with subprocess.Popen(["git", "-C", ROOT, "archive", full], stdout=subprocess.PIPE) as archive:
            subprocess.run(["tar", "-x", "-C", partial], stdin=archive.stdout, check=True)
        partial.rename(folder)
    return folder, description


def build(source, folder, targets):
    """Builds targets of a source folder. Returns the build folder."""
    log = folder.with_suffix(".log")
    commands = [
        ["cmake", "-S", source, "-B", folder, "-DCMAKE_BUILD_TYPE=Release"],
        ["cmake", "--build", folder, "--parallel", str(os.cpu_count()), "--target", *targets],
    ]
    with open(log, "w", encoding="utf-8") as output:
        for command in commands:
            if subprocess.run(command, stdout=output, stderr=output, check=False).returncode != 0:
                fail(f"the build of {source} failed:\n{log.read_text(encoding='utf-8')[-3000:]}")
    return folder


# --- images ---


def make_images(build_folder, folder, count, width, height, channels, seed):
    """Images in folder/left and folder/right; some of each are of the other class, so that no network tells all
    apart."""
    subprocess.run(
        [build_folder / "tests/make_images", folder, str(count), str(width), str(height), str(channels), str(seed)],
        check=True,
    )
    for name, other in (("left", "right"), ("right", "left")):
        for image in sorted((folder / name).iterdir())[::7]:
            if not image.name.startswith("moved"):
                image.rename(folder / other / f"moved-{name}-{image.name}")


def fashion_images(source, build_folder, work, folder):
    """Some of Fashion-MNIST's shirts and T-shirts, as data/fashion-mnist.sh lays them out."""
    environment = {**os.environ, "IDX_TO_PNG": str(build_folder / "data/idx_to_png")}
    subprocess.run(
        [source / "data/fashion-mnist.sh", "t-shirt", "shirt", work / "fashion"],
        env=environment,
        check=True,
        capture_output=True,
    )
    for split, count in (("train", 80), ("test", 30)):
        for name in ("t-shirt", "shirt"):
            (folder / split / name).mkdir(parents=True)
            for image in sorted((work / "fashion" / split / name).iterdir())[:count]:
                shutil.copy(image, folder / split / name)
    shutil.rmtree(work / "fashion")


def make_data(source, build_folder, work):
    """All images. Returns the names of the sets in work/data, each with train and test."""
    names = ["grey", "colour"]
    for name, channels in (("grey", 1), ("colour", 3)):
        (work / "data" / name).mkdir(parents=True)
        make_images(build_folder, work / "data" / name / "train", 110, 20, 17, channels, 1)
        make_images(build_folder, work / "data" / name / "test", 37, 17, 23, channels, 2)
    if FASHION.is_dir():
        fashion_images(source, build_folder, work, work / "data/fashion")
        names.append("fashion")
    else:
        print("Fashion-MNIST is not installed: its configs are trained on other images")
    return names


# --- cases ---


def variants_for(isas, index, both_convolutions=True):
    """A variant for each instruction set, the threads going round; direct convolutions with the best and the worst."""
    variants = [Variant(isa, "auto", 1 + (index + i) % 3, cache=(index + i) % 4 != 3) for i, isa in enumerate(isas)]
    if both_convolutions:
        variants += [Variant(isas[0], "direct", 1 + (index + 1) % 3), Variant(isas[-1], "direct", 1 + (index + 2) % 3)]
    return variants


def data_overrides(name):
    """KEY=VALUE for a set of images."""
    classes = '["t-shirt","shirt"]' if name == "fashion" else '["left","right"]'
    return [f"data.train=data/{name}/train", f"data.test=data/{name}/test", f"data.classes={classes}"]


def config_cases(source, isas, names, quick):
    """The configs of the repository, two epochs each; large networks on smaller images, or the generic kernels would
    take minutes."""
    cases = []
    for path in sorted([*source.glob("configs/*.json"), *source.glob("configs/bench/*.json")]):
        config = json.loads(path.read_text(encoding="utf-8"))
        if "layers" not in config:
            continue  # the schema
        large = config["image"]["width"] > 32
        if quick and large:
            continue
        grey = "fashion" if "fashion" in names else "grey"
        data = grey if config["image"]["channels"] == 1 else "colour"
        name = "-".join(path.relative_to(source / "configs").with_suffix("").parts)
        more = ["image.width=32", "image.height=32"] if large else []
        parts = ("predict",) if quick else ("predict", "resume")
        more.append(f"train.epochs={2 if quick else 6}")
        cases.append(
            Case(
                name,
                path.read_text(encoding="utf-8"),
                f"data/{data}/test",
                variants_for(isas, len(cases)),
                [*data_overrides(data), *more],
                parts,
            )
        )
    return cases


def random_cases(old, isas, names, options, coverage):
    """Random networks. What OLD refuses (shapes that do not fit) is drawn again."""
    generator = random.Random(options.seed)
    fixed = fixed_layers(coverage.layers)
    cases = []
    count = options.networks or (9 if options.quick else 40)
    refused = 0
    while len(cases) < count:
        index = len(cases)
        config = random_config(
            generator, index, coverage.choices, coverage.layers, fixed[index] if index < len(fixed) else None
        )
        grey = "fashion" if "fashion" in names and index % 4 == 0 else "grey"
        data = grey if config["image"]["channels"] == 1 else "colour"
        config["data"] = {**config.get("data", {}), "validation": 0.25}
        parts = ["predict"]
        if index % 3 == 0:
            parts.append("resume")
            config["train"].update(epochs=7, batch_size=min(config["train"]["batch_size"], 16))
        if index % 10 == 1:
            parts.append("folds")
        if index % 10 == 2:
            parts.append("init")
        case = Case(
            f"random-{index + 1}",
            json.dumps(config, indent=1),
            f"data/{data}/test",
            variants_for(isas, index, index % 2 == 0),
            data_overrides(data),
            tuple(parts),
        )
        (old.folder / "dry").mkdir(exist_ok=True)
        (old.folder / "dry/given.json").write_text(case.config, encoding="utf-8")
        if old.run("dry", ["cnntrain", "--config", "dry/given.json", *case.overrides, "--dry-run"], record=False) == 0:
            cases.append(case)
        else:
            refused += 1
            if refused > 100 * count:
                fail(f"OLD refuses the random networks: {old.messages('dry')}")
    return cases


def find_isas(old):
    """The instruction sets of this processor, best first."""
    isas = []
    (old.folder / "isas").mkdir()
    (old.folder / "isas/given.json").write_text(
        (ROOT / "configs/seed.json").read_text(encoding="utf-8"), encoding="utf-8"
    )
    for isa in ("avx512", "avx2", "generic"):
        arguments = [
            "cnntrain",
            "--config",
            "isas/given.json",
            *data_overrides("grey"),
            "train.epochs=1",
            "--quiet",
            "--out",
            f"isas/{isa}",
        ]
        if old.run("isas", arguments, Variant(isa, "auto", 1)) == 0:
            summary = json.loads((old.folder / f"isas/{isa}/summary.json").read_text(encoding="utf-8"))
            if summary["isa"] == isa:
                isas.append(isa)
    if not isas:
        fail(f"OLD does not train: {old.messages('isas')}")
    return isas


# --- comparing ---


def compare_case(case, old, new, scratch, options):
    """Runs a case on both sides. Returns (Result, failures that are no difference, (stops in time, stops))."""
    stops = [run_case(side, case, old, scratch) for side in (old, new)]
    result = compare_folders(old.folder / case.name, new.folder / case.name, options.accept, options.accept_text)
    for side in (old, new):
        for message in disagreements(side, case):
            result.differences.append(Difference(case.name, message, "the same bytes", "others"))
    failures = []
    for line in (old.folder / case.name / "exit-codes.txt").read_text(encoding="utf-8").splitlines():
        if line.split(" ", 1)[0] not in ("0", "75", "-9"):
            said = [text for text in old.messages(case.name).splitlines() if text.startswith("cnn") and ": " in text]
            failures.append(f"{case.name}: OLD ends with exit code {line}: {said[-1] if said else 'no message'}")
    return result, failures, tuple(map(sum, zip(*stops)))


def cover(coverage, case, old):
    """Counts what a case has trained, by what OLD wrote."""
    run = old.folder / case.name / case.variants[0].name
    try:
        coverage.add_config(json.loads((run / "config.json").read_text(encoding="utf-8")))
        coverage.add_model([tensor[0] for tensor in read_safetensors((run / "model.bin").read_bytes())[1]])
    except FileNotFoundError:
        pass  # the run failed, which is reported elsewhere


def describe(config):
    """A network in a few words."""
    short = {
        "conv": "c",
        "relu": "r",
        "leaky_relu": "l",
        "maxpool": "M",
        "avgpool": "A",
        "global_avgpool": "G",
        "batchnorm": "b",
        "dropout": "o",
        "flatten": "f",
        "dense": "d",
        "sigmoid": "s",
    }
    return "".join(
        f"[{describe(layer['layers'])}]" if "layers" in layer else short.get(layer["type"], f"<{layer['type']}>")
        for layer in config
    )


def print_case(case, result):
    """A row of the table."""
    config = json.loads(case.config)
    print(
        f"{case.name:16} {describe(config['layers'])[:28]:28} {len(case.variants):4} {'+'.join(case.parts):19}"
        f" {result.files:5} {result.models:6} {result.tensors:7} {result.rows:6}  "
        + (f"{len(result.differences)} DIFFERENCES" if result.differences else "same"),
        flush=True,
    )


def print_sum(total, coverage, failures, stops, cases):
    """The end of the output. Returns the exit code."""
    if coverage.missing_layers():
        failures.append(f"not covered by any case: {', '.join(coverage.missing_layers())}")
    print(
        f"\n{len(cases)} cases: {total.files} files ({total.models} models with {total.tensors} tensors, {total.rows} rows)"
        f" compared, {stops[0]} of {stops[1]} stops came before the end of the run"
    )
    print(f"layer types: {', '.join(f'{name} {coverage.seen[name]}' for name in coverage.layers)}")
    if coverage.missing_choices():
        print(f"choices of the config that no case had: {', '.join(coverage.missing_choices())}")
    if stops[1] and stops[0] < stops[1] // 2:
        failures.append("most runs ended before they could be stopped")
    if total.only_new:
        print(f"files that only NEW writes: {len(total.only_new)}, such as {total.only_new[0]}")
    accepted = {}
    for difference in total.accepted:
        accepted.setdefault(difference.file.rsplit("/", 1)[-1], []).append(difference)
    for name, some in accepted.items():
        keys = sorted({difference.key for difference in some})
        print(f"accepted in {name}: {len(some)} differences of {len(keys)} keys, such as {some[0]}")
    shown = {}
    for difference in total.differences:
        some = shown.setdefault(difference.file.split("/", 1)[0], [])
        if len(some) < 4 and len(shown) < 20:
            some.append(difference)
            print(f"DIFFERENT: {difference}")
    texts = sum(difference.kind == "text" for difference in total.differences)
    if texts:
        print(f"{texts} of the differences are JSON that says the same (--accept-text accepts them)")
    for failure in failures[:5]:
        print(f"FAILED: {failure}")
    print(f"{len(total.differences)} differences" if total.differences or failures else "no differences")
    return 1 if total.differences or failures else 0


def compare_bytes(options, work, sources, builds):
    """Compares what the programs of both builds write. Returns the exit code."""
    (work / "sides").mkdir()
    names = make_data(sources[0], builds[0], work / "sides")
    old, new = (Side(label, folder, work / "sides" / label) for label, folder in zip(("old", "new"), builds))
    for side in (old, new):
        (side.folder / "data").symlink_to(work / "sides/data")
    schema = json.loads(
        subprocess.run([builds[0] / "cnntrain", "--schema"], capture_output=True, text=True, check=True).stdout
    )
    coverage = Coverage(schema)
    isas = find_isas(old)
    print(
        f"instruction sets: {', '.join(isas)}; images: {', '.join(names)}; seed of the random networks: {options.seed}\n"
    )
    cases = config_cases(sources[0], isas, names, options.quick) + random_cases(
        old, isas, names, options, coverage
    )
    print(f"{'case':16} {'layers':28} {'runs':>4} {'also':19} {'files':>5} {'models':>6} {'tensors':>7} {'rows':>6}")
    total, failures, stops = None, [], [0, 0]
    scratch = work / "sides/scratch"
    scratch.mkdir()
    with concurrent.futures.ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        for case, (result, failed, stopped) in zip(
            cases, pool.map(lambda case: compare_case(case, old, new, scratch, options), cases)
        ):
            for difference_list in (result.differences, result.accepted):
                difference_list[:] = [
                    Difference(f"{case.name}/{d.file}", d.key, d.old, d.new, d.kind) for d in difference_list
                ]
            print_case(case, result)
            cover(coverage, case, old)
            if total is None:
                total = result
            else:
                total.add(result)
            failures += failed
            stops = [a + b for a, b in zip(stops, stopped)]
    return print_sum(total, coverage, failures, stops, cases)


def parse_options():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old", metavar="OLD")
    parser.add_argument("new", metavar="NEW", nargs="?", default="HEAD")
    parser.add_argument("--quick", action="store_true", help="fewer and smaller networks")
    parser.add_argument("--networks", type=int, metavar="N", help="random networks (default: 40, quick: 9)")
    parser.add_argument("--seed", type=int, default=1, help="of the random networks (default: 1)")
    parser.add_argument(
        "--accept",
        action="append",
        default=[],
        metavar="FILE:KEY",
        help="a difference in metadata that is wanted, such as model.bin:cnntrain.version; * matches anything",
    )
    parser.add_argument(
        "--accept-text",
        action="store_true",
        help="accept JSON that is written differently but says the same, and numbers that OLD rounded to 15 digits",
    )
    parser.add_argument(
        "--work",
        type=pathlib.Path,
        metavar="DIR",
        help="keep builds there, for the next time (default: a temporary folder)",
    )
    parser.add_argument("--keep", action="store_true", help="with --work, keep the files of all runs, too")
    parser.add_argument(
        "--timing", action="store_true", help="compare time and memory instead; leave the machine alone meanwhile"
    )
    parser.add_argument(
        "--pairs", type=int, default=7, metavar="N", help="with --timing, measurements of each (default: 7)"
    )
    parser.add_argument(
        "--seconds", type=float, default=1.0, help="with --timing, of each measurement of steps (default: 1)"
    )
    parser.add_argument(
        "--limit", type=float, default=1.02, help="with --timing, fail above this ratio of steps' times (default: 1.02)"
    )
    return parser.parse_args()


def main():
    """Builds both, then compares."""
    options = parse_options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # or the temporary folder would stay
    with tempfile.TemporaryDirectory(prefix="compare-commits-") as temporary:
        work = (options.work or pathlib.Path(temporary)).resolve()
        work.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(work / "sides", ignore_errors=True)
        sources, builds = [], []
        for label, name in (("old", options.old), ("new", options.new)):
            source, description = source_of(name, work)
            print(f"{label}: {description}", flush=True)
            folder = work / f"build-{label}-{source.name.rpartition('-')[2]}"
            sources.append(source)
            builds.append(build(source, folder, [*PROGRAMS, *(["bench_program"] if options.timing else [])]))
        if options.timing:
            code = compare_times(options, work, sources, builds, make_data)
        else:
            code = compare_bytes(options, work, sources, builds)
        if not options.keep:
            shutil.rmtree(work / "sides", ignore_errors=True)
    sys.exit(code)


if __name__ == "__main__":
    main()
