#!/usr/bin/env python3
"""Lets Optuna (https://optuna.org) choose learning rate, batch size and filters of a config.

    configs/sweeps/optuna_search.py CONFIG OUT TRIALS [KEY=VALUE ...]

Each trial is a run of cnntrain in OUT/0001, ...; the environment variable CNNTRAIN names the program (default: cnntrain).
All that passes between the two is the command line, the exit code and summary.json. The trials are kept in OUT/optuna.db:
stopped by Ctrl-C, the search continues when it is started again.

Exit codes: 0; 75: stopped by a signal, start it again to continue; others: that of the run that failed.
"""
import json
import os
import pathlib
import subprocess
import sys

import optuna

STOPPED, DIVERGED = 75, 5


def train(config, directory, overrides):
    """The summary of a run, or None if it diverged. Exits if the run failed or was stopped."""
    command = [os.environ.get("CNNTRAIN", "cnntrain"), "--config", config, "--out", str(directory), "--resume", "--quiet",
               "--no-report", *overrides]
    code = subprocess.run(command, check=False).returncode
    if code == DIVERGED:
        return None
    if code != 0:
        sys.exit(code)
    return json.loads((directory / "summary.json").read_text())


def main():
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    config, out, trials, overrides = sys.argv[1], pathlib.Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4:]
    out.mkdir(parents=True, exist_ok=True)
    study = optuna.create_study(study_name="cnntrain", storage=f"sqlite:///{out}/optuna.db", load_if_exists=True,
                                direction="minimize", sampler=optuna.samplers.TPESampler())

    def loss(trial):
        values = {
            "train.learning_rate": trial.suggest_float("train.learning_rate", 1e-3, 1.0, log=True),
            "train.batch_size": trial.suggest_categorical("train.batch_size", [16, 32, 64]),
            "layers.0.filters": trial.suggest_int("layers.0.filters", 4, 24),
        }
        directory = out / f"{trial.number + 1:04d}"
        trial.set_user_attr("directory", str(directory))
        summary = train(config, directory, [*overrides, *(f"{key}={value}" for key, value in values.items())])
        if summary is None:
            raise optuna.TrialPruned("diverged")
        return summary["validation"]["loss"]  # never the test images: they are for the best trial, at the end

    # a trial that was interrupted is tried again, with its values and in a new directory
    for trial in study.get_trials(states=[optuna.trial.TrialState.RUNNING]):
        study.enqueue_trial(trial.params)
        study.tell(trial.number, state=optuna.trial.TrialState.FAIL)
    ended = (optuna.trial.TrialState.COMPLETE, optuna.trial.TrialState.PRUNED)
    while (left := trials - len(study.get_trials(states=ended))) > 0:
        study.optimize(loss, n_trials=left)
    best = study.best_trial
    print(best.user_attrs["directory"], f"validation loss {best.value:.4f}", best.params)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(STOPPED)
