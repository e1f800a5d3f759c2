"""How long do the programs of two commits take, and how much memory? The two take turns, so that other work on the
machine affects both; the result is the median of the pairs' ratios."""

import json
import os
import pathlib
import statistics
import subprocess

HERE = pathlib.Path(__file__).resolve().parent


def paired(count, measure):
    """measure(side) for sides 0 and 1 in turn, the first one alternating. Returns [(old, new)]."""
    pairs = []
    for number in range(count):
        values = {}
        for side in (0, 1) if number % 2 == 0 else (1, 0):
            values[side] = measure(side)
        pairs.append((values[0], values[1]))
    return pairs


def print_row(name, pairs, unit, scale=1.0):
    """A row: both medians; the median, least and largest ratio of the pairs, NEW by OLD; and the ratio of both sides'
    least values, which other work on the machine disturbs least. Returns the median ratio."""
    ratios = [new / old for old, new in pairs]
    medians = [scale * statistics.median(pair[side] for pair in pairs) for side in (0, 1)]
    least = min(new for _, new in pairs) / min(old for old, _ in pairs)
    ratio = statistics.median(ratios)
    print(
        f"{name:28} {medians[0]:10.3f} {medians[1]:10.3f} {unit:5} {ratio:7.3f} {min(ratios):7.3f} {max(ratios):7.3f} {least:7.3f}"
        f" {len(pairs):5}",
        flush=True,
    )
    return ratio


def step_times(build, config, seconds, threads):
    """{threads: seconds of a step} with the best instruction set: the fastest of cnnbench's rounds."""
    output = build / "step-times.json"
    subprocess.run(
        [
            build / "tests/bench/cnnbench",
            "--isa",
            "best",
            "--no-layers",
            "--threads",
            threads,
            "--seconds",
            str(seconds),
            "--json",
            output,
            config,
        ],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    (network,) = json.loads(output.read_text(encoding="utf-8"))["networks"]
    return {int(step["threads"]): step["step_seconds_best"] for step in network["steps"]}


def compare_steps(options, configs, builds):
    """Training steps of the bench networks. Returns the names of those that take NEW longer than the limit allows."""
    threads = "1" if os.cpu_count() == 1 else f"1,{os.cpu_count()}"
    slower = []
    for config in configs:
        pairs = paired(
            options.pairs, lambda side, config=config: step_times(builds[side], config, options.seconds, threads)
        )
        for count in pairs[0][0]:
            name = f"step of {config.stem}, {count} thread{'s' if count > 1 else ''}"
            if print_row(name, [(old[count], new[count]) for old, new in pairs], "ms", 1e3) > options.limit:
                slower.append(name)
    return slower


def run_once(work, build, side, program, arguments):
    """(seconds, KiB) of a run of a program."""
    environment = {**os.environ, "LC_ALL": "C", "XDG_CACHE_HOME": str(work / f"sides/cache-{side}")}
    done = subprocess.run(
        [work / "measure_run", build / program, *arguments], env=environment, check=True, capture_output=True, text=True
    )
    seconds, kibibytes = done.stdout.split()
    return float(seconds), float(kibibytes)


def compare_programs(options, work, source, builds):
    """Start-up and memory: a small training run, and cnnpredict with one image."""
    data = work / "sides/data/grey"
    for side, build in enumerate(builds):  # a model each, and a warm cache
        run_once(work, build, side, "cnntrain", train_arguments(source, data, work / f"sides/model-{side}"))
    image = next(iter(sorted((data / "test/left").iterdir())))
    commands = {
        "cnntrain --version": lambda side: ("cnntrain", ["--version"]),
        "training run, warm cache": lambda side: (
            "cnntrain",
            train_arguments(source, data, work / f"sides/run-{side}"),
        ),
        "training run, no cache": lambda side: (
            "cnntrain",
            [*train_arguments(source, data, work / f"sides/run-{side}"), "--no-cache"],
        ),
        "cnnpredict, one image": lambda side: ("cnnpredict", [work / f"sides/model-{side}/model.bin", image]),
    }
    for name, command in commands.items():
        pairs = paired(
            8 * options.pairs, lambda side, command=command: run_once(work, builds[side], side, *command(side))
        )
        print_row(f"{name}", [(old[0], new[0]) for old, new in pairs], "ms", 1e3)
        print_row("  memory at most", [(old[1], new[1]) for old, new in pairs], "MiB", 1 / 1024)


def train_arguments(source, data, out):
    """A training run of two epochs with the network of configs/fashion.json."""
    return [
        "--config",
        source / "configs/fashion.json",
        f"data.train={data}/train",
        f"data.test={data}/test",
        'data.classes=["left","right"]',
        "train.epochs=2",
        "--quiet",
        "--threads",
        "1",
        "--overwrite",
        "--out",
        out,
    ]


def compare_times(options, work, sources, builds, make_data):
    """Prints the table. Returns the exit code: 1 if a step takes longer than the limit."""
    make_data(sources[0], builds[0], work / "sides")
    subprocess.run(["cc", "-O2", "-o", work / "measure_run", HERE / "measure_run.c"], check=True)
    load = os.getloadavg()[0]
    print(f"load before: {load:.2f}{' (the machine is busy: repeat this when it is not)' if load > 0.5 else ''}\n")
    print(
        f"{'':28} {'old':>10} {'new':>10} {'':5} {'ratio':>7} {'least':>7} {'most':>7} {'fastest':>7}" f" {'pairs':>5}"
    )
    slower = compare_steps(options, sorted(sources[0].glob("configs/bench/*.json")), builds)
    compare_programs(options, work, sources[0], builds)
    for name in slower:
        print(f"SLOWER than {options.limit} times: {name}")
    return 1 if slower else 0
