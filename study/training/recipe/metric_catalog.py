"""The metrics of a training by name, and in which direction each of them is better.

This is the only place that knows so: the study file's objective, the recipe's stop rules and
schedules, the tables and the plots all ask here. No torch here.
"""

from __future__ import annotations

import math
import re
from typing import Literal, get_args

Direction = Literal["maximize", "minimize"]

MetricName = Literal[
    "auroc",
    "average_precision",
    "balanced_accuracy",
    "calibration_error",
    "cohen_kappa",
    "f1_score",
    "hamming_distance",
    "hinge_loss",
    "jaccard_index",
    "matthews_corrcoef",
    "negative_predictive_value",
    "precision",
    "recall",
    "specificity",
]
"""What ``recipe.metrics`` may name: torchmetrics' names of what classifications are measured by."""
METRIC_NAMES: tuple[MetricName, ...] = get_args(MetricName)

NamedColumn = Literal[
    "val_auroc",
    "val_average_precision",
    "val_balanced_accuracy",
    "val_calibration_error",
    "val_cohen_kappa",
    "val_f1_score",
    "val_hamming_distance",
    "val_hinge_loss",
    "val_jaccard_index",
    "val_matthews_corrcoef",
    "val_negative_predictive_value",
    "val_precision",
    "val_recall",
    "val_specificity",
    "test_auroc",
    "test_average_precision",
    "test_balanced_accuracy",
    "test_calibration_error",
    "test_cohen_kappa",
    "test_f1_score",
    "test_hamming_distance",
    "test_hinge_loss",
    "test_jaccard_index",
    "test_matthews_corrcoef",
    "test_negative_predictive_value",
    "test_precision",
    "test_recall",
    "test_specificity",
]
"""Their columns, of the validation images and of the test images."""

ObjectiveMetric = Literal[
    "val_accuracy",
    "val_f1",
    "test_accuracy",
    "test_f1",
    "test_top5",
    "train_accuracy",
    "images_per_second",
    "val_loss",
    "test_loss",
    "train_loss",
    "seconds",
    "total_seconds",
    "train_seconds",
    "eval_seconds",
    "first_epoch_seconds",
    "steady_epoch_seconds",
    "peak_memory_bytes",
    "parameters",
    NamedColumn,
]
"""What an objective may be: columns of the epoch rows and of a trial's summary."""
OBJECTIVE_METRICS: tuple[ObjectiveMetric, ...] = get_args(ObjectiveMetric)

MEASURED_METRICS = frozenset(name for name in OBJECTIVE_METRICS if "second" in name) | {
    "peak_memory_bytes"
}
"""Metrics of the machine, not of the recipe: they differ from run to run."""

METRIC_NAME = re.compile(r"[a-z][a-z0-9_]*")
"""What a metric of an own training may be called."""
TIME_METRICS = frozenset({"seconds", "total_seconds"})
"""Metrics that are measured of any training, whatever it reports."""
FIXED_COLUMNS = frozenset(
    {
        *("study", "point", "trial", "replicate", "kind", "seed", "state", "value", "value_2"),
        *("replicates", "complete", "pruned", "failed", "seeds", "confirmations", "fresh_value"),
        *("chosen", "seeds_to_come", "rank", "standing", "origin", "entry", "level", "known"),
        *("nominal_cost", "asked", "failure", "failure_message", "stop_reason", "stopped_by"),
        *("epoch", "epochs", "last", "attempt", "time", "counted", "outgrown", "best_epoch"),
        *("started", "ended", "attempts", "wall_seconds", "repeated_seconds", "cpu_seconds"),
        *(
            "gpu_seconds",
            "trial_workers",
            "host",
            "node",
            "device",
            "device_shared",
            "substitutions",
            "overrides",
        ),
        *("spec_version", "spec_hash", "session", "code_version", "packages", "hardware"),
        *("test_epoch", "seconds", "first_epoch_seconds", "steady_epoch_seconds"),
        *("total_seconds", "steps", "skipped_steps", "parameters", "trainable_parameters"),
        *("device_name", "torch_threads", "precision_used", "train_figures", "validation"),
        *("money", "lost_money", "currency"),
        *("data_fingerprint", "peak_memory_bytes", "micro_batch_size", "own_code", "dropped"),
        *("left_out_files", "class_names", "rows_differ_at"),
    }
)
"""Columns of the tables that no metric and no value of an own training may have for its name."""

_MINIMIZED_ENDINGS = ("_loss", "_error", "seconds", "_bytes", "_norm")
_MINIMIZED_NAMES = frozenset(
    {"parameters", "loss", "error", "val_hamming_distance", "test_hamming_distance"}
)

_SHARES = frozenset(
    {
        *("accuracy", "f1", "top5", "precision", "recall", "auroc", "average_precision"),
        *("balanced_accuracy", "calibration_error", "f1_score", "hamming_distance"),
        *("jaccard_index", "negative_predictive_value", "specificity"),
    }
)
"""Metrics that are shares of a whole."""
_CORRELATIONS = frozenset({"cohen_kappa", "matthews_corrcoef"})
_AMOUNTS = frozenset({"loss", "hinge_loss"})
_IMAGES_OF = re.compile(r"(train|val|test)_")

_NAMED_COLUMNS = frozenset(get_args(NamedColumn))


def is_minimized(metric: str) -> bool:
    """Return whether less of a metric is better: of losses, errors, times, memory, parameters."""
    return metric in _MINIMIZED_NAMES or metric.endswith(_MINIMIZED_ENDINGS)


def bounds_of(metric: str) -> tuple[float, float]:
    """Return the least and the greatest value that a metric can have, as far as its name tells.

    Of an own training's metric nothing is known, unless it is called as one of a recipe's.
    """
    images = _IMAGES_OF.match(metric)
    name = metric[images.end() :] if images else ""
    if name in _SHARES:
        return 0.0, 1.0
    if name in _CORRELATIONS:
        return -1.0, 1.0
    if name in _AMOUNTS or metric in MEASURED_METRICS or metric == "parameters":
        return 0.0, math.inf
    return -math.inf, math.inf


def named_metric(column: str) -> str | None:
    """Return what ``recipe.metrics`` must name for a column to be measured; None for nothing."""
    name = column.partition("_")[2]
    return name if column in _NAMED_COLUMNS else None


def direction_of(metric: str) -> Direction:
    """Return the direction in which a metric is better by its nature."""
    return "minimize" if is_minimized(metric) else "maximize"


def sign_of(direction: Direction) -> int:
    """Return +1 for ``maximize`` and -1 for ``minimize``: a value times it is better if greater."""
    return 1 if direction == "maximize" else -1


def reaches(value: float, target: float, direction: Direction) -> bool:
    """Return whether ``value`` is as good as ``target`` or better; never with a value of nan."""
    return value >= target if direction == "maximize" else value <= target


def is_better(value: float, than: float, direction: Direction) -> bool:
    """Return whether ``value`` is strictly better than another value of the same metric."""
    return value > than if direction == "maximize" else value < than
