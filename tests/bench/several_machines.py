#!/usr/bin/env python3
"""When do several machines pay? A model of the time of a step on N machines, and a check of it.

    tests/bench/several_machines.py [OPTION ...]

Measures steps and messages of one process of N with build/tests/bench/cnnranks, and prints, as
Markdown, how many times as fast N machines like this one are. Where mpirun is found, it then trains
with two processes on this machine, and compares. --help lists the options.

The model. cnnranks computes the steps of the busiest of N processes. The others are missing, and
messages take no time. It notes when each exchange of messages begins, how many bytes it sends and
receives, and how long its thread has computed before. Medians over the steps are

    C        seconds of the step
    g        when the gradients are complete; the update of the weights follows
    t, u, b  of each exchange: when it begins, the processor time of its thread since the exchange
             before, and the larger one of the bytes sent and received

An exchange takes c = o + L + b / B, with the latency L and the bandwidth B of each direction, and the
overhead o of our code and of MPI on both sides. This is LogGP (Alexandrov, Ionescu, Schauser and
Scheiman, "LogGP: incorporating long messages into the LogP model", 1995), whose 2 o is our o, and
whose G is 1 / B. The overhead is measured: an exchange of a few bytes by two processes here.

A process whose threads occupy all its processors exchanges nothing meanwhile, and the step takes

    T = C + the sum of all c

Where a processor is left, a second thread exchanges images of the next batch, and gradients segment by
segment. Exchanges of the thread that trains (sums of batch normalization, logits and labels; decisions
after the update) delay all that follows. With d(t) = the sum of c of those that begin up to t, those
of the second thread begin and end at

    begin = max(t + d(t), end of the one before + u)        end = begin + c

and the step takes

    T = max(g + d(g), E) + (C - g) + d(C) - d(g)

where E is the end of the last exchange of gradients, plus b / B of what the first thread sends
after the first of them, which goes first. Not in it: processes that are late because a machine does
something else, and other traffic.

For the check, the two processes compute at the same time, without messages: they share caches and
memory, and a step ends when the slower one is ready. So C is the median of the longer one of both
steps. Exchanges of the same two processes give o + L and B.

Where the blocks of a process do not fit into memory (BLOCKS below), C is continued along a line
through two batches that fit, t and g grow like C, and messages are those of smaller images.
"""

import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
MACHINES = (1, 2, 4, 8, 16, 32, 64)
NETWORKS = {  # name: file, batch sizes
    "small": (ROOT / "configs/bench/small.json", (32, 512, 2048)),
    "medium": (ROOT / "configs/bench/medium.json", (32, 512, 2048)),
    "recipe": (HERE / "recipe.json", (32, 512)),
    "EfficientNet-Lite0": (None, (32, 512)),
}
LINKS = ((10, 20.0), (100, 2.0))  # Gbit/s, microseconds
BLOCKS = 4  # of EfficientNet-Lite0 in memory: 5 GB
SIDE, SMALL_SIDE = 224, 32  # of its images, and of those that only show the messages
STEP, AHEAD = 0, 1  # channels


# --- the model ---


def computing(step):
    """A step as if its thread had never waited, for a processor or for the other thread."""
    factor = step["processor"] / step["seconds"]
    rounds = [[r[0], r[1] * factor, *r[2:]] for r in step["rounds"]]
    return {"seconds": step["processor"], "gradients": step["gradients"] * factor, "rounds": rounds}


def medians(measured, busy=False):
    """One step of the medians of many."""
    steps = [computing(step) if busy else step for step in measured["steps"]]
    rounds = []
    for each in zip(*(step["rounds"] for step in steps)):
        sent, received = (statistics.mean(r[i] for r in each) for i in (3, 4))
        rounds.append({"channel": each[0][0], "begin": statistics.median(r[1] for r in each),
                       "bytes": max(sent, received)})
    for i, r in enumerate(rounds):
        first = i == 0 or rounds[i - 1]["channel"] != r["channel"]
        r["used"] = 0.0 if first else max(0.0, statistics.median(
            step["rounds"][i][2] - step["rounds"][i - 1][2] for step in steps))
    return {"ahead": measured["ahead"],
            "seconds": statistics.median(step["seconds"] for step in steps),
            "gradients": statistics.median(step["gradients"] for step in steps), "rounds": rounds}


def slower(one, other):
    """The steps of two processes that wait for each other at the end of each."""
    steps = [{**a, **{key: max(a[key], b[key]) for key in ("seconds", "gradients")}}
             for a, b in zip(one["steps"], other["steps"])]
    return {**one, "steps": steps}


def predict(step, latency, bandwidth):
    """Seconds of a step; latency with the overhead, bandwidth in bytes a second, each way."""
    def cost(r):
        return latency + r["bytes"] / bandwidth

    if not step["ahead"]:
        return step["seconds"] + sum(map(cost, step["rounds"]))
    main = [r for r in step["rounds"] if r["channel"] == STEP]
    ahead = [r for r in step["rounds"] if r["channel"] == AHEAD]

    def delay(until):
        return sum(cost(r) for r in main if r["begin"] <= until)

    end = 0.0
    for r in ahead:
        end = max(r["begin"] + delay(r["begin"]), end + r["used"]) + cost(r)
    whole, complete = step["seconds"], step["gradients"]
    if len(ahead) > 1:  # the first one brings images
        end += sum(r["bytes"] / bandwidth for r in main
                   if ahead[1]["begin"] < r["begin"] <= complete)
    ready = max(complete + delay(complete), end)
    return ready + (whole - complete) + delay(whole) - delay(complete)


# --- measuring ---


class Bench:
    def __init__(self, arguments):
        self.program = arguments.cnnranks
        self.seconds = arguments.seconds
        self.threads = arguments.threads
        self.mpirun = arguments.mpirun.split()
        self.busy = arguments.busy

    def command(self, file, ranks, batch, threads=None, more=()):
        return [str(self.program), "--ranks", str(ranks), "--batch", str(batch), "--threads",
                str(threads or self.threads), "--seconds", str(self.seconds), *map(str, more),
                str(file)]

    def read(self, *commands):
        """The lines of programs that run at the same time; of the first one, then of the next."""
        command = commands[0]
        if sys.stderr.isatty():
            print("\r" + " ".join(command[-10:])[-78:].ljust(78), end="\r", file=sys.stderr)
        running = [subprocess.Popen(each, stdout=subprocess.PIPE, text=True) for each in commands]
        outputs = [process.communicate()[0] for process in running]
        for process in running:
            if process.returncode != 0:
                sys.exit(f"several_machines.py: {' '.join(command)}: exit code {process.returncode}")
        return [json.loads(line) for output in outputs for line in output.splitlines()
                if line.startswith("{")]

    def alone(self, file, ranks, batch, threads=None, more=()):
        return self.read(self.command(file, ranks, batch, threads, more))[0]

    def beside_each_other(self, file, batch):
        """Two processes of one thread that compute at the same time, and do not wait."""
        command = self.command(file, 2, batch, 1)
        return slower(*self.read(*(["taskset", "-c", str(i), *command] for i in range(2))))

    def together(self, file, batch):
        command = self.command(file, 1, batch, 1, ["--mpi"])
        return self.read([*self.mpirun, "-n", "2", *command])


def facts(measured):
    return {key: value for key, value in measured.items() if key != "steps"}


def measure_continued(bench, file, ranks, batch, blocks, known):
    """A step of more blocks than fit: see above."""
    for some in (BLOCKS // 2, BLOCKS):
        if some not in known:
            known[some] = medians(bench.alone(file, 1, 16 * some), bench.busy)["seconds"]
    each = (known[BLOCKS] - known[BLOCKS // 2]) / (BLOCKS - BLOCKS // 2)
    seconds = known[BLOCKS] + (blocks - BLOCKS) * each
    small = bench.alone(file, ranks, batch, more=["--side", SMALL_SIDE])
    step = medians(small, bench.busy)
    factor = seconds / step["seconds"]
    for i, r in enumerate(step["rounds"]):
        r["begin"] *= factor
        if ranks > 1 and r["channel"] == AHEAD and step["rounds"][i - 1]["channel"] == STEP:
            r["bytes"] *= (SIDE / SMALL_SIDE) ** 2  # the images
    return {**facts(small), "continued": True,
            "step": {**step, "seconds": seconds, "gradients": step["gradients"] * factor}}


def measure_row(bench, file, ranks, batch, limited, known):
    blocks = -(-batch // 16 // ranks)
    if limited and blocks > BLOCKS:
        return measure_continued(bench, file, ranks, batch, blocks, known)
    measured = bench.alone(file, ranks, batch)
    return {**facts(measured), "continued": False, "step": medians(measured, bench.busy)}


def measure(bench, arguments, saved):
    """Adds what is not in `saved`, and writes it to a file, so that one can go on later."""
    results = saved["rows"]
    if "overhead" not in saved and shutil.which(bench.mpirun[0]):
        lines = bench.together(NETWORKS["small"][0], 32)
        saved["overhead"] = link(lines)[0]
    there = {(row["network"], row["batch"], row["ranks"]) for row in results}
    for name, (file, batches) in NETWORKS.items():
        if arguments.networks and name not in arguments.networks:
            continue
        if not file and not arguments.pretrained.exists():
            print(f"{name} is left out: {arguments.pretrained} does not exist; data/pretrained.sh "
                  "makes it", file=sys.stderr)
            continue
        known = {}
        for batch in batches:
            for ranks in MACHINES:
                if (name, batch, ranks) in there:
                    continue
                row = measure_row(bench, file or arguments.pretrained, ranks, batch, not file, known)
                results.append({"network": name, **row})
                if arguments.save:
                    arguments.save.write_text(json.dumps(saved), encoding="utf-8")


# --- tables ---


def row_of(cells):
    print("| " + " | ".join(cells) + " |", flush=True)


def table(lines):
    for line in lines:
        row_of(line)
    print()


def short(number):
    """As many digits as matter."""
    return f"{number:.1f}" if number < 9.95 else f"{number:.0f}"


def print_times(results, gigabits, latency, overhead):
    print(f"{gigabits} Gbit/s, {latency:g} µs and an overhead of {1e6 * overhead:.1f} µs:\n")
    lines = [["network", "batch", "1: ms a step", *map(str, MACHINES[1:])],
             ["---", "---", "---", *["---"] * (len(MACHINES) - 1)]]
    groups = {}
    for row in results:
        groups.setdefault((row["network"], row["batch"]), []).append(row)
    for (name, batch), rows in groups.items():
        if len(rows) < len(MACHINES):
            continue
        times = [predict(row["step"], overhead + 1e-6 * latency, 1e9 / 8 * gigabits) for row in rows]
        star = ["*" if row["continued"] else "" for row in rows]
        best = max(range(len(times)), key=lambda i: times[0] / times[i])
        cells = [short(times[0] / t) + s for t, s in zip(times, star)]
        cells[best] = f"**{cells[best]}**"
        lines.append([name, str(batch), short(1e3 * times[0]) + star[0], *cells[1:]])
    table(lines)
    if any(row["continued"] for row in results):
        print("*: continued from batches that fit into memory\n")


def print_messages(results):
    print("Messages of a step of one process: bytes sent or received, the larger one:\n")
    lines = [["network", "batch", "machines", "blocks", "exchanges", "images",
              "gradients", "sums, results, decisions"], ["---"] * 8]
    for row in results:
        if row["ranks"] not in (2, 8, 64):
            continue
        rounds = row["step"]["rounds"]
        main = [r["bytes"] for r in rounds if r["channel"] == STEP]
        ahead = [r["bytes"] for r in rounds if r["channel"] == AHEAD]
        lines.append([row["network"], str(row["batch"]), str(row["ranks"]), str(row["blocks"]),
                      str(len(rounds)), *(f"{1e-6 * b:.3f} MB" for b in
                                          (ahead[0], sum(ahead[1:]), sum(main)))])
    table(lines)


# --- two processes here ---


def link(lines):
    """Latency, with the overhead, and bandwidth of the exchanges between two processes."""
    times = {line["bytes"]: line["seconds"] for line in lines if line["kind"] == "exchange"}
    latency, most = min(times[bytes] for bytes in times if bytes < 1000), max(times)
    return latency, most / (times[most] - latency)


def sizes(step):
    """Bytes of all exchanges but that of images, which differ from batch to batch."""
    rounds = [r for r in step["rounds"] if r["channel"] == AHEAD][1:]
    return [r["bytes"] for r in rounds + [r for r in step["rounds"] if r["channel"] == STEP]]


def check(bench, file, batch, pairs):
    """A row: what two processes of one thread reach, and what the model says."""
    rows, same = [], True
    for _ in range(pairs):
        alone = medians(bench.alone(file, 1, batch, 1))
        half = medians(bench.beside_each_other(file, batch))
        lines = bench.together(file, batch)
        real = medians(lines[-1])
        latency, bandwidth = link(lines)
        same = same and sizes(real) == sizes(half)
        rows.append((alone["seconds"], real["seconds"], predict(half, latency, bandwidth),
                     latency, bandwidth))
    alone, real, model, latency, bandwidth = map(statistics.median, zip(*rows))
    ratio = statistics.median(row[2] / row[1] for row in rows)
    return [f"{1e6 * latency:.1f} µs, {8e-9 * bandwidth:.0f} Gbit/s", f"{batch / alone:.0f}",
            f"{batch / real:.0f}", f"{batch / model:.0f}",
            f"{statistics.median(row[0] / row[1] for row in rows):.2f}",
            f"{statistics.median(row[0] / row[2] for row in rows):.2f}", f"{100 * (ratio - 1):+.0f} %",
            "yes" if same else "no"]


def print_check(bench, pretrained, wanted, pairs):
    print(f"Two processes of one thread here, against the model; medians of {pairs} pairs:\n")
    row_of(["network", "batch", "an exchange here", "1 process: images/s", "2, measured", "2, model",
            "times as fast", "model", "model's time", "same messages"])
    row_of(["---"] * 10)
    for name, (file, batches) in NETWORKS.items():
        if (wanted and name not in wanted) or not (file or pretrained.exists()):
            continue
        for batch in batches[:2] if file else batches[:1]:
            row_of([name, str(batch), *check(bench, file or pretrained, batch, pairs)])
    print()


# --- a network that is only waited for ---


def print_pretended(bench, gigabits, latency, wanted, results):
    """The model against a process whose exchanges wait as long as the network would take."""
    print(f"The model against a process that waits for a network of {gigabits} Gbit/s, {latency:g} µs "
          "(ms a step, waited and model):\n")
    lines = [["network", "batch", *map(str, MACHINES[1:])], ["---"] * (1 + len(MACHINES))]
    groups = {}
    for row in results:
        if row["ranks"] > 1 and not row["continued"] and NETWORKS[row["network"]][0]:
            groups.setdefault((row["network"], row["batch"]), []).append(row)
    for (name, batch), rows in groups.items():
        cells = []
        for row in rows:
            waited = medians(bench.alone(NETWORKS[name][0], row["ranks"], batch, more=[
                "--latency", latency, "--gigabits", gigabits]))["seconds"]
            model = predict(row["step"], 1e-6 * latency, 1e9 / 8 * gigabits)
            cells.append(f"{1e3 * waited:.2f}, {1e3 * model:.2f}")
        lines.append([name, str(batch), *cells])
    table(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cnnranks", type=pathlib.Path, default=ROOT / "build/tests/bench/cnnranks")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="of a machine")
    parser.add_argument("--seconds", type=float, default=1.0, help="for each measurement")
    parser.add_argument("--busy", action="store_true",
                        help="the machine does other work: count processor time, of one thread")
    parser.add_argument("--pairs", type=int, default=5, help="of the check; 0: none")
    parser.add_argument("--pretrained", type=pathlib.Path,
                        default=ROOT / "pretrained/efficientnet-lite0.bin")
    parser.add_argument("--mpirun", default="mpirun --bind-to core")
    parser.add_argument("--save", type=pathlib.Path, metavar="FILE",
                        help="keep measurements, and do not repeat those that FILE has")
    parser.add_argument("--print", action="store_true",
                        help="measure nothing: the tables of --save FILE")
    parser.add_argument("--link", action="append", metavar="GBIT/S,US",
                        help="instead of 10,20 and 100,2")
    parser.add_argument("--pretend", action="store_true",
                        help="compare with a process that waits for the network, too")
    parser.add_argument("networks", nargs="*", help=f"of {', '.join(NETWORKS)} (default: all)")
    arguments = parser.parse_args()
    if arguments.busy:
        arguments.threads = 1
    bench = Bench(arguments)
    links = [tuple(map(float, text.split(","))) for text in arguments.link or ()] or LINKS
    saved = {"rows": []}
    if arguments.save and arguments.save.exists():
        saved = json.loads(arguments.save.read_text(encoding="utf-8"))
    if not arguments.print:
        measure(bench, arguments, saved)
    results = saved["rows"]
    for gigabits, latency in links:
        print_times(results, gigabits, latency, saved.get("overhead", 0.0))
    print_messages(results)
    if arguments.pretend and not arguments.print:
        print_pretended(bench, *links[0], arguments.networks, results)
    if arguments.pairs > 0 and not arguments.print and not shutil.which(bench.mpirun[0]):
        print(f"no check: {bench.mpirun[0]} is not there", file=sys.stderr)
    elif arguments.pairs > 0 and not arguments.print:
        print_check(bench, arguments.pretrained, arguments.networks, arguments.pairs)


if __name__ == "__main__":
    main()
