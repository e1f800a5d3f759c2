#!/usr/bin/env python3
"""Lets Optuna (https://optuna.org, pip install optuna) choose learning rate, batch size and filters of a config.

    configs/sweeps/optuna_search.py CONFIG OUT TRIALS [KEY=VALUE ...]

The environment variable CNNTRAIN names the program (default: cnntrain), such as CNNTRAIN=build/cnntrain.

Each trial is a sweep of one run: OUT/0001.json has its values, OUT/0001/0001 is its run. So no trial measures the test images;
they are measured with the model of the best trial, at the end. All that passes between the two programs is the command line,
the exit code and summary.json. A trial that diverges, or gets no memory, counts as one, and the others continue. The trials are kept
in OUT/optuna.db: stopped by Ctrl-C, the search continues when it is started again, in the middle of the run that was stopped.

Exit codes: 0; 5: all trials have diverged; 1: all have failed; 75: stopped by a signal, start it again to continue; 2 and
others: those of cnntrain.
"""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys

try:
    import optuna
except ImportError:
    sys.exit("optuna_search.py: Optuna is not installed: pip install optuna")

FAILED, WRONG, DIVERGED, STOPPED = 1, 2, 5, 75
PROGRAM = os.environ.get("CNNTRAIN", "cnntrain")


def run(command):
    """The exit code of a command. It writes a checkpoint when it is stopped, and is waited for."""
    with subprocess.Popen(command) as process:
        signal.signal(signal.SIGTERM, lambda *_: process.terminate())
        while True:
            try:
                return process.wait()
            except KeyboardInterrupt:
                pass  # the terminal sends Ctrl-C to both


class Search:
    """What is the same for all trials."""

    def __init__(self, config, out, overrides):
        self.config, self.out, self.overrides = config, out, overrides

    def cnntrain(self, directory, *options):
        """Runs cnntrain for a trial. The exit code; those that another trial would have, too, end the search."""
        command = [PROGRAM, "--config", self.config, *self.overrides, "--sweep", f"{directory}.json", "--out", str(directory),
                   "--quiet", "--no-report", *options]
        code = run(command)
        if code not in (0, FAILED, DIVERGED):
            sys.exit(code if code > 0 else STOPPED)  # below 0: killed by a signal
        return code

    def loss(self, trial):
        """The validation loss of a trial. One that was interrupted has a directory."""
        values = {
            "train.learning_rate": trial.suggest_float("train.learning_rate", 1e-3, 1.0, log=True),
            "train.batch_size": trial.suggest_categorical("train.batch_size", [16, 32, 64]),
            "layers.0.filters": trial.suggest_int("layers.0.filters", 4, 24),
        }
        directory = pathlib.Path(trial.user_attrs.get("directory", self.out / f"{trial.number + 1:04d}"))
        pathlib.Path(f"{directory}.json").write_text(json.dumps({"grid": {key: [value] for key, value in values.items()}}))
        trial.set_user_attr("directory", str(directory))
        code = self.cnntrain(directory, "--member", "1", "--resume")
        trial.set_user_attr("exit_code", code)
        if code != 0:
            raise optuna.TrialPruned(f"exit code {code}")
        return json.loads((directory / "0001/summary.json").read_text())["validation"]["loss"]

    def test(self, trial):
        """The metrics of the trial's model on the test images; None if there are none."""
        directory = pathlib.Path(trial.user_attrs["directory"])
        code = self.cnntrain(directory, "--gather")
        return json.loads((directory / "summary.json").read_text())["chosen"]["test"] if code == 0 else sys.exit(code)


def continue_interrupted(study):
    """A trial that was interrupted is tried again, with its values, and continues where its run stopped."""
    for trial in study.get_trials(states=[optuna.trial.TrialState.RUNNING]):
        directory = trial.user_attrs.get("directory")
        study.enqueue_trial(trial.params, user_attrs={"directory": directory} if directory else None)
        study.tell(trial.number, state=optuna.trial.TrialState.FAIL)


def main():
    if len(sys.argv) < 4 or not sys.argv[3].isdigit():
        print(__doc__, file=sys.stderr)
        sys.exit(WRONG)
    if not shutil.which(PROGRAM):
        print(f"optuna_search.py: {PROGRAM}: no such program; set CNNTRAIN, as in CNNTRAIN=build/cnntrain", file=sys.stderr)
        sys.exit(WRONG)
    search, trials = Search(sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[4:]), int(sys.argv[3])
    search.out.mkdir(parents=True, exist_ok=True)
    study = optuna.create_study(study_name="cnntrain", storage=f"sqlite:///{search.out}/optuna.db", load_if_exists=True,
                                direction="minimize", sampler=optuna.samplers.TPESampler())
    continue_interrupted(study)
    ended = (optuna.trial.TrialState.COMPLETE, optuna.trial.TrialState.PRUNED)
    while (left := trials - len(study.get_trials(states=ended))) > 0:
        study.optimize(search.loss, n_trials=left)

    if not study.get_trials(states=[optuna.trial.TrialState.COMPLETE]):
        codes = {trial.user_attrs.get("exit_code") for trial in study.get_trials(states=ended)}
        print(f"optuna_search.py: none of {trials} trials has finished", file=sys.stderr)
        sys.exit(DIVERGED if codes == {DIVERGED} else FAILED)
    best = study.best_trial
    print(best.user_attrs["directory"], f"validation loss {best.value:.4f}", best.params)
    test = search.test(best)
    if test:
        print(f"test images: loss {test['loss']:.4f}, accuracy {test['accuracy']:.4f}")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(STOPPED)
