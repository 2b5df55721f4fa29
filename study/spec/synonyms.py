"""Words that users of Optuna, Ray Tune, W&B sweeps and Keras type, and ours for them: hints of
error messages.
"""

from __future__ import annotations

METRIC_WORDS = {
    "accuracy": "val_accuracy",
    "acc": "val_accuracy",
    "val_acc": "val_accuracy",
    "loss": "val_loss",
    "valid_loss": "val_loss",
    "f1": "val_f1",
    "time": "total_seconds",
    "duration": "total_seconds",
    "mean_accuracy": "val_accuracy",
}
DIRECTION_WORDS = {
    "max": "maximize",
    "min": "minimize",
    "maximise": "maximize",
    "minimise": "minimize",
}
MODE_WORDS = dict.fromkeys(("max", "maximize"), "objective: {direction: maximize}") | dict.fromkeys(
    ("min", "minimize"), "objective: {direction: minimize}"
)
TOP_WORDS = {
    "name": "study",
    "num_samples": "points",
    "n_trials": "points",
    "trials": "points",
    "max_trials": "points",
    "n_points": "points",
    "count": "points",
    "run_cap": "points",
    "method": "sampler: tpe",
    "search_alg": "sampler",
    "algorithm": "sampler",
    "seed": "sampler.seed",
    "scheduler": "pruner",
    "early_terminate": "pruner",
    "parameters": "space",
    "param_space": "space",
    "params": "space",
    "search_space": "space",
    "hyperparameters": "space",
    "config": "recipe",
    "fixed": "recipe",
    "metric": "objective.metric",
    "direction": "objective.direction",
    "directions": "objective",
    "goal": "objective.direction",
    "objectives": "objective",
    "n_jobs": "concurrency",
    "max_concurrent_trials": "concurrency",
    "max_concurrent": "concurrency",
    "workers": "concurrency",
    "resources_per_trial": "resources",
    "cpus": "resources.cpus",
    "gpus": "resources.gpus",
    "timeout": "stop.wall_hours",
    "time_budget_s": "stop.wall_hours",
    "wall_hours": "stop.wall_hours",
    "max_failures": "trial.retries",
    "retries": "trial.retries",
    "repeats": "replicates",
    "seeds": "replicates",
    "baseline": "first",
    "points_to_evaluate": "first",
    "enqueue": "first",
    "deterministic": "reproducible",
}
"""Words of Optuna, Ray Tune and W&B sweeps, and of our own sections, for ours."""

SAMPLER_WORDS = {
    "bayes": "tpe",
    "bayesian": "tpe",
    "bo": "tpe",
    "optuna": "tpe",
    "hyperopt": "tpe",
    "tpesampler": "tpe",
    "randomsampler": "random",
    "gridsampler": "grid",
    "grid-search": "grid",
    "cma-es": "cmaes",
    "cmaessampler": "cmaes",
    "gpsampler": "gp",
    "botorch": "gp",
    "nsgaiisampler": "nsga2",
    "nsga-ii": "nsga2",
    "qmcsampler": "qmc",
    "sobol": "qmc",
    "none": "first-only",
    "fixed": "first-only",
    "list": "first-only",
    "first": "first-only",
}
PRUNER_WORDS = {
    "successive-halving": "asha",
    "successivehalving": "asha",
    "successivehalvingpruner": "asha",
    "ashascheduler": "asha",
    "asynchyperband": "asha",
    "hyperbandpruner": "hyperband",
    "medianpruner": "median",
    "median-stopping-rule": "median",
    "percentilepruner": "percentile",
    "patientpruner": "patient",
    "noppruner": "none",
    "nop": "none",
    "off": "none",
}
PRUNER_OPTION_WORDS = {
    "grace_period": "min_epochs",
    "min_resource": "min_epochs",
    "min_iter": "min_epochs",
    "reduction_factor": "reduction",
    "eta": "reduction",
    "max_t": "max_epochs",
    "max_resource": "max_epochs",
    "n_startup_trials": "startup_trials",
    "n_warmup_steps": "warmup_epochs",
    "warmup_steps": "warmup_epochs",
    "interval_steps": "interval_epochs",
    "n_min_trials": "min_trials",
}

OBJECTIVE_WORDS = {"name": "metric", "goal": "direction", "mode": "direction"}

RESOURCE_WORDS = {
    "cpu": "cpus",
    "gpu": "gpus",
    "CPU": "cpus",
    "GPU": "gpus",
    "num_cpus": "cpus",
    "num_gpus": "gpus",
}

STOP_WORDS = {"timeout": "wall_hours", "hours": "wall_hours", "time_budget_s": "wall_hours"}
