"""The cases that the programs of both commits run, and how one commit's programs run them."""

import json
import os
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass, field


@dataclass
class Variant:
    """How a training run is done: none of this may change its bytes, except that conv is part of the computation."""

    isa: str
    conv: str
    threads: int
    cache: bool = True

    @property
    def name(self):
        """The run directory's name."""
        return f"{self.isa}-{self.conv}-{self.threads}{'' if self.cache else '-nocache'}"


@dataclass
class Case:
    """A config, where its images are, and what is done with it besides training it in every variant."""

    name: str
    config: str  # text of config.json
    data: str  # what cnnpredict and cnneval are given
    variants: list
    overrides: list = field(default_factory=list)  # KEY=VALUE
    parts: tuple = ("predict",)  # of predict, resume, folds, init


class Side:
    """The programs of one commit, and the folder that they work in. Both sides use the same relative paths, so that
    these are the same in every file."""

    def __init__(self, label, build, folder):
        self.label = label
        self.build = build
        self.folder = folder
        folder.mkdir(parents=True)

    def start(self, case, arguments, variant=None, output=None, record=True):
        """Starts a program, such as ["cnntrain", "--schema"], in the side's folder. Returns the process."""
        program, *rest = arguments
        place = self.folder / case
        place.mkdir(exist_ok=True)
        environment = {**os.environ, "LC_ALL": "C", "XDG_CACHE_HOME": str(self.folder.parent / f"cache-{self.label}")}
        environment.pop("CNN_ISA", None)
        environment.pop("CNN_CONV", None)
        if variant:
            environment["CNN_ISA"] = variant.isa
            if variant.conv == "direct":
                environment["CNN_CONV"] = "direct"
        with open(place / "messages.log", "ab") as messages, open(
            place / output if output else os.devnull, "wb"
        ) as results:
            messages.write((" ".join(arguments) + "\n").encode())
            messages.flush()
            process = subprocess.Popen(
                [self.build / program, *rest],
                cwd=self.folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=results,
                stderr=messages,
            )
        process.recorded = (place, " ".join(arguments)) if record else None
        return process

    def finish(self, process):
        """Waits for a process; its exit code becomes a line of exit-codes.txt. Returns it."""
        code = process.wait()
        if process.recorded:
            place, command = process.recorded
            with open(place / "exit-codes.txt", "a", encoding="utf-8") as file:
                file.write(f"{code} {command}\n")
        return code

    def run(self, case, arguments, variant=None, output=None, record=True):
        """Runs a program to its end. Returns its exit code."""
        return self.finish(self.start(case, arguments, variant, output, record))

    def messages(self, case):
        """The last messages of the programs on standard error."""
        path = self.folder / case / "messages.log"
        return path.read_text(encoding="utf-8", errors="replace")[-1500:] if path.exists() else ""


def train_arguments(case, out, variant, *more):
    """cnntrain's command line for a case."""
    cache = [] if variant.cache else ["--no-cache"]
    return [
        "cnntrain",
        "--config",
        f"{case.name}/given.json",
        *case.overrides,
        "--quiet",
        "--threads",
        str(variant.threads),
        *cache,
        "--out",
        f"{case.name}/{out}",
        *more,
    ]


def write_config(side, case):
    """The case's config in the side's folder."""
    (side.folder / case.name).mkdir(exist_ok=True)
    (side.folder / case.name / "given.json").write_text(case.config, encoding="utf-8")


def predict(side, case, given):
    """Predictions and evaluations with the run's model, on several instruction sets, and with the model that OLD
    trained: a new program must read old models."""
    first = case.variants[0]
    model = f"{case.name}/{first.name}/model.bin"
    place = f"{case.name}/predictions"
    (side.folder / place).mkdir()
    for number, form in enumerate(("tsv", "csv", "jsonl")):
        variant = case.variants[number % len(case.variants)]
        side.run(
            case.name,
            ["cnnpredict", model, case.data, "--format", form, "--quiet", "--threads", str(1 + number)],
            variant,
            f"predictions/{variant.isa}.{form}",
        )
    given = shutil.copy(given, side.folder / place / "given.bin")
    side.run(case.name, ["cnnpredict", f"{place}/given.bin", case.data, "--quiet"], first, "predictions/given.tsv")
    side.run(
        case.name,
        [
            "cnneval",
            model,
            case.data,
            "--format",
            "json",
            "--quiet",
            "--compare",
            f"{case.name}/{first.name}/last.bin",
            "--rows",
            f"{place}/rows.csv",
        ],
        first,
        "predictions/evaluation.json",
    )
    side.run(case.name, ["cnneval", f"{place}/given.bin", case.data, "--quiet"], first, "predictions/evaluation.txt")


# --- runs that are stopped ---


def count_epochs(out):
    """Rows in metrics.csv so far."""
    try:
        return (out / "metrics.csv").read_bytes().count(b"\n") - 1
    except FileNotFoundError:
        return 0


def stop_run(side, case, variant, out, epochs, number):
    """Continues or starts a run, and ends it by a signal after this many epochs in metrics.csv. Returns whether the
    signal came in time."""
    process = side.start(case.name, train_arguments(case, out, variant, "--resume"), variant, record=False)
    while process.poll() is None and count_epochs(side.folder / case.name / out) < epochs:
        time.sleep(0.0003)
    if process.poll() is None:
        process.send_signal(number)
    return side.finish(process) in (75, -number)


def same_convolutions(case):
    """The variants that compute what the first one does: a run can be continued in any of them."""
    return [variant for variant in case.variants if variant.conv == case.variants[0].conv]


def stopped_runs(side, case, handed_over):
    """Runs that are stopped, by signals and by time, and resumed to their end. handed_over is a folder for a run that
    OLD begins and each side ends. Returns how many stops were in time, of how many."""
    variants, stops = same_convolutions(case), []
    stops.append(stop_run(side, case, variants[0], "stopped", 1, signal.SIGTERM))
    if side.label == "old":
        shutil.copytree(side.folder / case.name / "stopped", handed_over)
    shutil.copytree(handed_over, side.folder / case.name / "handed-over")
    stops.append(stop_run(side, case, variants[-1], "stopped", 3, signal.SIGKILL))
    for out in ("stopped", "handed-over"):
        side.run(
            case.name, train_arguments(case, out, variants[1 % len(variants)], "--resume"), variants[1 % len(variants)]
        )

    # after the first batch: its files are compared, too
    place = side.folder / case.name
    side.run(case.name, train_arguments(case, "limited", variants[0], "--max-seconds", "1e-6"), variants[0])
    shutil.copytree(place / "limited", place / "after-one-batch")
    before = (place / "limited/metrics.csv").read_bytes()
    side.run(case.name, train_arguments(case, "limited", variants[-1], "--resume"), variants[-1])
    stops.append(before != (place / "limited/metrics.csv").read_bytes())
    return sum(stops), len(stops)


def extended_run(side, case):
    """A finished run that gets more epochs; where the schedule depends on their number, a finished run resumed."""
    variant = case.variants[0]
    side.run(case.name, [*train_arguments(case, "extended", variant), "train.epochs=2"], variant)
    schedule = json.loads((side.folder / case.name / "extended/config.json").read_text(encoding="utf-8"))["train"][
        "schedule"
    ]
    more = [] if schedule in ("constant", "step") else ["train.epochs=2"]
    side.run(case.name, [*train_arguments(case, "extended", variant, "--resume"), *more], variant)


# --- a case ---


def run_case(side, case, old_side, scratch):
    """Runs all parts of a case with one side's programs. Returns (stops in time, stops)."""
    write_config(side, case)
    if "init" in case.parts:
        side.run(case.name, ["cnntrain", "--init", case.data], output="recipe.json")
    for variant in case.variants:
        side.run(case.name, train_arguments(case, variant.name, variant), variant)
    if "predict" in case.parts:
        predict(side, case, old_side.folder / case.name / case.variants[0].name / "model.bin")
    if "folds" in case.parts:
        whole = train_arguments(case, "folds", case.variants[-1], "--folds", "3")
        side.run(case.name, [word for word in whole if not word.startswith("data.test=")], case.variants[-1])
    if "resume" in case.parts:
        stops = stopped_runs(side, case, scratch / f"handed-over-{case.name}")
        extended_run(side, case)
        return stops
    return 0, 0


RUN_FILES = ("model.bin", "last.bin", "predictions.csv", "test_predictions.csv")


def disagreements(side, case):
    """Files in which one side's own runs of a case differ, which are to be the same on every instruction set, with any
    number of threads, resumed or not."""
    found = []
    firsts = {}
    place = side.folder / case.name
    runs = [(variant.name, variant.conv) for variant in case.variants]
    if "resume" in case.parts:
        runs += [(name, case.variants[0].conv) for name in ("stopped", "handed-over", "limited")]
    for name, conv in runs:
        for file in RUN_FILES:
            path = place / name / file
            content = path.read_bytes() if path.exists() else None
            first_name, first = firsts.setdefault((conv, file), (name, content))
            if content != first:
                found.append(f"{side.label}: {case.name}/{name}/{file} is not that of {first_name}")
    return found
