#!/usr/bin/env python3
"""check_sweep.py DIR SEEDS: computes choice, comparison and shares of the keys of a sweep once more, from the files of its
members, and compares them with summary.json. SEEDS: runs of each combination. The metric is the log loss; all runs must
have finished, on the same images for each seed."""
import csv
import json
import math
import pathlib
import sys

directory, seeds = pathlib.Path(sys.argv[1]), int(sys.argv[2])
summary = json.loads((directory / "summary.json").read_text())
with open(directory / "sweep.csv", encoding="utf-8", newline="") as file:
    rows = list(csv.DictReader(file))
failures = 0


def expect(what, found, wanted):
    global failures
    same = found == wanted if not isinstance(wanted, float) else found is not None and math.isclose(
        found, wanted, rel_tol=1e-6, abs_tol=1e-9)
    if not same:
        failures += 1
        print(f"FAILED: {directory}: {what}: expected {wanted}, got {found}")


def member_loss(member):
    run = json.loads((directory / f"{member:04d}" / "summary.json").read_text())
    return run["validation"]["loss"]


def image_losses(member):
    with open(directory / f"{member:04d}" / "predictions.csv", encoding="utf-8", newline="") as file:
        return {row["path"]: -math.log(float(row["probability"]) if row["label"] == summary["classes"][1]
                                       else 1 - float(row["probability"])) for row in csv.DictReader(file)}


def ranks(numbers):
    return [sum(other < x for other in numbers) + (sum(other == x for other in numbers) + 1) / 2 for x in numbers]


losses = [member_loss(member) for member in range(1, len(rows) + 1)]
for row, loss in zip(rows, losses):
    expect(f"val_loss of run {row['member']}", float(row["val_loss"]), loss)

# the best mean over seeds, then the best seed
means = [sum(losses[i:i + seeds]) / seeds for i in range(0, len(losses), seeds)]
best = min(range(len(means)), key=lambda i: means[i])
of_best = range(best * seeds, (best + 1) * seeds)
expect("chosen", summary["chosen"]["member"], min(of_best, key=lambda i: losses[i]) + 1)
expect("mean", summary["chosen"]["mean"], means[best])

# the next one, image by image
differences = []
for point in range(len(means)):
    if point != best:
        cells = []
        for seed in range(seeds):
            a, b = image_losses(best * seeds + seed + 1), image_losses(point * seeds + seed + 1)
            cells += [(path, seed, b[path] - a[path]) for path in a]
        differences.append((sum(cell[2] for cell in cells) / len(cells), point, cells))
difference, point, cells = min(differences)


def clustered(column):
    sums = {}
    for cell in cells:
        sums[cell[column]] = sums.get(cell[column], 0.0) + cell[2] - difference
    return sum(x * x for x in sums.values()) * len(sums) / max(len(sums) - 1, 1)


each = sum((cell[2] - difference) ** 2 for cell in cells)
variance = clustered(0) if seeds == 1 else max(clustered(0) + clustered(1) - each, clustered(0), clustered(1))
error = math.sqrt(variance) / len(cells)
p = math.erfc(abs(difference) / error / math.sqrt(2))
for key, wanted in (("member", point * seeds + 1), ("images", len(cells)), ("difference", difference),
                    ("standard_error", error), ("p", p), ("adjusted_p", min(1.0, (len(means) - 1) * p))):
    expect(f"next.{key}", summary["next"][key], wanted)

# shares of the variance of the ranks
metric = ranks(losses)
middle = (len(rows) + 1) / 2
whole = sum((x - middle) ** 2 for x in metric)
for key, share in summary["keys"].items():
    values = [row[key] for row in rows]
    if len(set(values)) == 1:
        continue
    if "--drawn=" + key in sys.argv:
        x = ranks([float(value) for value in values])
        covariance = sum((a - middle) * (b - middle) for a, b in zip(x, metric))
        wanted = covariance ** 2 / whole / sum((a - middle) ** 2 for a in x)
    else:
        groups = [[x for x, other in zip(metric, values) if other == value] for value in set(values)]
        wanted = sum(len(group) * (sum(group) / len(group) - middle) ** 2 for group in groups) / whole
    expect(f"keys.{key}", share, wanted)
sys.exit(1 if failures else 0)
