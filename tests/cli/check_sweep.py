#!/usr/bin/env python3
"""check_sweep.py DIR SEEDS [--metric=NAME] [--drawn=KEY]...: computes choice, comparison and shares of the keys of a sweep once
more, from the files of its members, and compares them with summary.json. SEEDS: runs of each combination. Metrics: loss, recall,
auc and f1. Runs may have ended early or failed; the images must be the same for each seed."""
import csv
import json
import math
import pathlib
import sys

directory, seeds = pathlib.Path(sys.argv[1]), int(sys.argv[2])
options = sys.argv[3:]
name = next((option.split("=")[1] for option in options if option.startswith("--metric=")), "loss")
drawn = [option.split("=", 1)[1] for option in options if option.startswith("--drawn=")]
sign = -1.0 if name == "loss" else 1.0
summary = json.loads((directory / "summary.json").read_text())
with open(directory / "sweep.csv", encoding="utf-8", newline="") as file:
    rows = list(csv.DictReader(file))
points = len(rows) // seeds
failures = 0


def expect(what, found, wanted, tolerance=1e-6):
    global failures
    same = found == wanted if not isinstance(wanted, float) else found is not None and math.isclose(
        found, wanted, rel_tol=tolerance, abs_tol=1e-9)
    if not same:
        failures += 1
        print(f"FAILED: {directory}: {what}: expected {wanted}, got {found}")


def result(member):
    """The metric of a finished member; None: it has not finished."""
    if rows[member - 1]["status"] != "finished":
        return None
    run = json.loads((directory / f"{member:04d}" / "summary.json").read_text())
    return run["validation"][name]


def predictions(member):
    """{path: (is it of class 1, is it predicted as such, probability)}"""
    positive = summary["classes"][1]
    with open(directory / f"{member:04d}" / "predictions.csv", encoding="utf-8", newline="") as file:
        return {row["path"]: (row["label"] == positive, row["predicted"] == positive, float(row["probability"]))
                for row in csv.DictReader(file)}


# --- the choice: the most finished seeds, then the best mean over them, then the best seed ---

results = [result(member) for member in range(1, len(rows) + 1)]
for row, value in zip(rows, results):
    if value is not None:
        expect(f"val_{name} of run {row['member']}", float(row[f"val_{name}"]), value)
finished = [[x for x in results[i * seeds:(i + 1) * seeds] if x is not None] for i in range(points)]
means = [sum(x) / len(x) if x else None for x in finished]
order = sorted((i for i in range(points) if finished[i]), key=lambda i: (-len(finished[i]), -sign * means[i], i))
best = order[0]
of_best = [i for i in range(best * seeds, (best + 1) * seeds) if results[i] is not None]
expect("chosen", summary["chosen"]["member"], max(of_best, key=lambda i: sign * results[i]) + 1)
expect("mean", summary["chosen"]["mean"], means[best])

# --- the next one: differences by image and seed, whose covariances are those of means over classes ---


def differences(a, b):
    """{path: (group, how much better a is)} of two members."""
    a, b = predictions(a), predictions(b)
    if name == "recall":
        return {path: (1, float(a[path][1]) - float(b[path][1])) for path in a if a[path][0]}
    if name == "auc":
        return {path: (a[path][0], share_right(a, path) - share_right(b, path)) for path in a}
    return {path: (0, image_loss(b[path]) - image_loss(a[path])) for path in a}


def image_loss(prediction):
    return -math.log(max(prediction[2] if prediction[0] else 1 - prediction[2], 2 ** -24))


def share_right(all_of_them, path):
    """The share of images of the other class that are on the right side of this one."""
    label, _, probability = all_of_them[path]
    others = [other[2] for other in all_of_them.values() if other[0] != label]
    right = sum((probability > other) if label else (probability < other) for other in others)
    return (right + 0.5 * others.count(probability)) / len(others)


def group_means(cells):
    groups = {}
    for group, x in cells.values():
        groups.setdefault(group, []).append(x)
    return {group: (sum(x) / len(x), len(x)) for group, x in groups.items()}


def covariance(a, b):
    mean_a, mean_b = group_means(a), group_means(b)
    return sum((a[path][1] - mean_a[a[path][0]][0]) * (b[path][1] - mean_b[a[path][0]][0])
               / mean_a[a[path][0]][1] / (mean_a[a[path][0]][1] - 1) for path in a if path in b)


def simpson(function, low, high, steps):
    width = (high - low) / steps
    return width / 3 * sum((1 if i in (0, steps) else 4 if i % 2 else 2) * function(low + i * width) for i in range(steps + 1))


def t_tail(t, degrees):
    """P(T > t): T = sqrt(degrees) tan(angle) has the density cos(angle)^(degrees - 1), but for a factor."""
    def density(angle):
        return max(math.cos(angle), 0.0) ** (degrees - 1)
    return simpson(density, math.atan(t / math.sqrt(degrees)), math.pi / 2, 400) / simpson(density, -math.pi / 2, math.pi / 2, 400)


def both_tails(distance, scale, degrees):
    """P(|scale[0] T0 + scale[1] T1| > distance)"""
    if scale[1] == 0:
        return 2 * t_tail(distance / scale[0], degrees[0])

    def tails(angle):
        t = scale[0] * math.sqrt(degrees[0]) * math.tan(angle)
        return (t_tail((distance - t) / scale[1], degrees[1]) + t_tail((distance + t) / scale[1], degrees[1])) \
            * math.cos(angle) ** (degrees[0] - 1)
    end = math.pi / 2 - 1e-9
    return simpson(tails, 0.0, end, 2000) / simpson(lambda angle: math.cos(angle) ** (degrees[0] - 1), 0.0, end, 2000)


def compare(point):
    both = [seed for seed in range(seeds)
            if results[best * seeds + seed] is not None and results[point * seeds + seed] is not None]
    cells = [differences(best * seeds + seed + 1, point * seeds + seed + 1) for seed in both]
    values = [sum(mean for mean, _ in group_means(x).values()) / len(group_means(x)) for x in cells]
    count, difference = len(both), sum(values) / len(values)
    given = sum(covariance(a, b) for a in cells for b in cells) / count ** 2
    between = sum(covariance(a, b) for a in cells for b in cells if a is not b) / count ** 2
    images = len(set().union(*cells))
    p = 2 * t_tail(abs(difference) / math.sqrt(given), images - 1) if given > 0 else 1.0
    if count == 1:
        variance = given
    else:
        of_seeds = sum((x - difference) ** 2 for x in values) / (count - 1) / count
        variance = max(given, of_seeds + max(0.0, between))
        scale = (math.sqrt(of_seeds), math.sqrt(max(0.0, between)))
        p = max(p, both_tails(abs(difference), scale, (count - 1, images - 1))) if of_seeds > 0 else p
    expect("next.member", summary["next"]["member"], point * seeds + 1)
    expect("next.mean", summary["next"]["mean"], means[point])
    expect("next.compared", summary["next"]["compared"], "loss" if name == "f1" else name)
    expect("next.seeds", summary["next"]["seeds"], count)
    expect("next.images", summary["next"]["images"], sum(map(len, cells)))
    expect("next.difference", summary["next"]["difference"], difference)
    expect("next.standard_error", summary["next"]["standard_error"], math.sqrt(variance))
    expect("next.p", summary["next"]["p"], p, 1e-3)
    expect("next.adjusted_p", summary["next"]["adjusted_p"], min(1.0, (points - 1) * p), 1e-3)
    if name != "f1" and count == seeds:  # what is compared is the metric that chose
        rounding = summary["next"]["difference"] - sign * (means[best] - means[point])  # of probabilities, to float
        expect("next.difference is that of the means", abs(rounding) < 2e-6, True)


if len(order) > 1:
    compare(order[1])
else:
    expect("next", summary["next"], None)

# --- shares of the keys ---


def ranks(numbers):
    return [sum(other < x for other in numbers) + (sum(other == x for other in numbers) + 1) / 2 for x in numbers]


def correlation(x, y):
    mean = (len(x) + 1) / 2
    return sum((a - mean) * (b - mean) for a, b in zip(x, y)) / math.sqrt(
        sum((a - mean) ** 2 for a in x) * sum((b - mean) ** 2 for b in y))


def kruskal_wallis(metric, values):
    n = len(metric)
    h = 12 / n / (n + 1) * sum(sum(group) ** 2 / len(group) for group in (
        [x for x, other in zip(metric, values) if other == value] for value in set(values))) - 3 * (n + 1)
    ties = sum(metric.count(x) ** 3 - metric.count(x) for x in set(metric))
    return h / (1 - ties / (n ** 3 - n))


for key, share in summary["keys"].items():
    if seeds > 1 and drawn and key != "train.seed":
        units = [(rows[i * seeds][key], means[i]) for i in range(points) if finished[i]]
    else:
        units = [(row[key], value) for row, value in zip(rows, results) if value is not None]
    values, metric, n = [unit[0] for unit in units], ranks([unit[1] for unit in units]), len(units)
    k = 2 if key in drawn else len(set(values))
    if k == 1 or n <= k:
        expect(f"keys.{key}", share, None)
    elif key in drawn:
        squared = correlation(ranks([float(value) for value in values]), metric) ** 2
        expect(f"keys.{key}", share, max(0.0, 1 - (1 - squared) * (n - 1) / (n - 2)))
    else:
        expect(f"keys.{key}", share, max(0.0, (kruskal_wallis(metric, values) - k + 1) / (n - k)))
sys.exit(1 if failures else 0)
