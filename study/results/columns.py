"""The columns that every study's tables have, and of each the type, the unit and the meaning.

Not among them: the columns of the recipe's fields (``recipe_columns``), and the best and last value
of each metric (``schema``).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import pyarrow as pa

TIME = pa.timestamp("us", tz="UTC")
TEXT = pa.string()
INTEGER = pa.int64()
NUMBER = pa.float64()
BOOL = pa.bool_()


@dataclass(frozen=True)
class Column:
    """One column of a table. Its meaning and unit travel in the Parquet file with it."""

    name: str
    type: pa.DataType
    meaning: str
    unit: str = ""

    @cached_property
    def field(self) -> pa.Field:
        """The column as Arrow knows it."""
        return pa.field(self.name, self.type, metadata={"meaning": self.meaning, "unit": self.unit})


POINT_COLUMNS = (
    Column("study", TEXT, "name of the study"),
    Column("point", INTEGER, "running number of the point in its study, from 0"),
    Column("state", TEXT, "COMPLETE, PRUNED, FAIL, RUNNING or WAITING"),
    Column("dropped", BOOL, "whether the user took it out: tables and rankings leave it out"),
    Column("value", NUMBER, "the objective told to the sampler: the mean over the point's seeds"),
    Column("value_2", NUMBER, "the second objective, where the study has two"),
    Column("replicates", INTEGER, "trials of the search that the point has, one a seed"),
    Column("complete", INTEGER, "those of them that are COMPLETE"),
    Column("pruned", INTEGER, "those of them that are PRUNED"),
    Column("failed", INTEGER, "those of them that are FAIL"),
    Column("seeds", INTEGER, "those of them that its value is the mean of"),
    Column("confirmations", INTEGER, "further trials on fresh seeds, after the search"),
    Column(
        "fresh_value",
        NUMBER,
        "the objective's mean over the fresh seeds; null unless all of them are COMPLETE",
    ),
    Column(
        "chosen",
        BOOL,
        "whether it is confirmed on fresh seeds: one of the best by the search, or the baseline",
    ),
    Column(
        "seeds_to_come",
        INTEGER,
        "of the fresh seeds of a chosen point, those without an outcome yet",
    ),
    Column(
        "rank",
        INTEGER,
        "its place among the study's points that have a value, from 1; equal for those that tie",
    ),
    Column(
        "standing",
        TEXT,
        "what it is ranked by: confirmed (fresh seeds), searched, or partial (not all its seeds)",
    ),
    Column("origin", TEXT, "who proposed it: first, sampler, grid, user or warm"),
    Column("entry", INTEGER, "index into the study file's first:, where it comes from there"),
    Column("level", INTEGER, "scientific level that it belongs to, in a method study"),
    Column(
        "known", BOOL, "whether its values lie in the space, so that the sampler was told of it"
    ),
    Column(
        "nominal_cost",
        NUMBER,
        "cost of an epoch as the recipe alone gives it",
        "weighted operations",
    ),
    Column("asked", TIME, "when it was proposed"),
)

TRIAL_COLUMNS = (
    Column("study", TEXT, "name of the study"),
    Column("trial", INTEGER, "running number of the trial in its study, from 0"),
    Column("point", INTEGER, "number of the point that it trains"),
    Column("replicate", INTEGER, "which of the point's seeds"),
    Column("kind", TEXT, "search, or confirm for a fresh seed after it"),
    Column("state", TEXT, "COMPLETE, PRUNED, FAIL, RUNNING or WAITING"),
    Column("dropped", BOOL, "whether the user took its point out: tables leave it out"),
    Column("failure", TEXT, "class of the failure that ended it"),
    Column("failure_message", TEXT, "that failure in one line"),
    Column(
        "stop_reason",
        TEXT,
        "why the training ended: epochs, steps, seconds, converged, target, patience, stopped;"
        " returned where its function did",
    ),
    Column("stopped_by", TEXT, "who stopped it early: pruner or user"),
    Column("epochs", INTEGER, "epochs done that count", "epochs"),
    Column("counted", BOOL, "whether it is one of the seeds that its point's value is the mean of"),
    Column(
        "outgrown",
        BOOL,
        "whether it is a fresh seed whose training is shorter than the search's are by now",
    ),
    Column("value", NUMBER, "its objective; null unless COMPLETE"),
    Column("value_2", NUMBER, "its second objective, where the study has two"),
    Column("best_epoch", INTEGER, "epoch at which the objective's metric was best", "epochs"),
    Column("origin", TEXT, "who proposed the point: first, sampler, grid, user or warm"),
    Column(
        "entry", INTEGER, "index into the study file's first:, where the point comes from there"
    ),
    Column("level", INTEGER, "scientific level that the point belongs to, in a method study"),
    Column("started", TIME, "when the first attempt began"),
    Column("ended", TIME, "when the last attempt ended"),
    Column(
        "attempts",
        INTEGER,
        "how often it was taken up; more than one after an interruption or a failure",
    ),
    Column("wall_seconds", NUMBER, "time that its attempts held a worker", "s"),
    Column(
        "repeated_seconds",
        NUMBER,
        "of those, work after the last finished epoch of a broken attempt",
        "s",
    ),
    Column("cpu_seconds", NUMBER, "wall_seconds times the CPU cores of all its workers", "s"),
    Column("gpu_seconds", NUMBER, "wall_seconds times the GPUs of all its workers", "s"),
    Column("trial_workers", INTEGER, "processes that train it together, in its last attempt"),
    Column(
        "money",
        NUMBER,
        "what its attempts cost by the prices of their time, from when a worker took each up",
    ),
    Column("lost_money", NUMBER, "of that, for work that had to be done again"),
    Column("currency", TEXT, "what it was paid in, where the prices name it"),
    Column("host", TEXT, "machine of the last attempt"),
    Column("node", TEXT, "Ray node of the last attempt"),
    Column("device", TEXT, "device of the last attempt"),
    Column(
        "device_shared",
        BOOL,
        "whether another trial was on the same device of the same node meanwhile",
    ),
    Column(
        "rows_differ_at",
        INTEGER,
        "first epoch that was trained once more after an interruption, and came out otherwise than"
        " its row says; null: none",
        "epochs",
    ),
    Column("substitutions", TEXT, "recipe values that a retry changed, as JSON"),
    Column("overrides", TEXT, "recipe values that --set laid over the study file, as JSON"),
    Column("spec_version", INTEGER, "version of the study file under which it last ran"),
    Column("spec_hash", TEXT, "SHA-256 of that study file's content"),
    Column("session", INTEGER, "number of the driver's session in which it last ran"),
    Column("code_version", TEXT, "version and state of the code that drove that session"),
    Column("packages", TEXT, "versions of the packages there, as JSON"),
    Column("hardware", TEXT, "the machine there, as JSON"),
    Column(
        "test_epoch",
        INTEGER,
        "epoch whose weights the test figures are of; null: the last",
        "epochs",
    ),
    Column("test_accuracy", NUMBER, "share of test images classified right, at the end", "1"),
    Column("test_loss", NUMBER, "mean test loss at the end", "nat"),
    Column("test_f1", NUMBER, "macro F1 on the test images at the end", "1"),
    Column(
        "test_top5",
        NUMBER,
        "share of test images whose class is among the five likeliest, at the end",
        "1",
    ),
    Column("first_epoch_seconds", NUMBER, "time of the first epoch, which holds the warm-up", "s"),
    Column("steady_epoch_seconds", NUMBER, "median time of the later epochs", "s"),
    Column("total_seconds", NUMBER, "training and evaluation time of the epochs that count", "s"),
    Column("steps", INTEGER, "optimizer updates done", "steps"),
    Column("skipped_steps", INTEGER, "updates that the gradient scaler skipped", "steps"),
    Column("parameters", INTEGER, "parameters of the model"),
    Column("trainable_parameters", INTEGER, "those of them that training changes"),
    Column("device_name", TEXT, "what the device is"),
    Column("torch_threads", INTEGER, "torch's threads for an operation"),
    Column("precision_used", TEXT, "the arithmetic that the device really did"),
    Column("train_figures", TEXT, "how training loss and accuracy are taken"),
    Column(
        "validation",
        TEXT,
        "split: from the training images; given: a set of their own; test: the test images"
        " steered the study",
    ),
    Column("data_fingerprint", TEXT, "hash, counts and split of the images"),
    Column("class_names", TEXT, "the first 100 classes, in the order of their labels, as JSON"),
    Column("left_out_files", INTEGER, "images that couldn't be decoded and were left out"),
    Column(
        "peak_memory_bytes",
        INTEGER,
        "most memory that tensors held on the device in any epoch",
        "bytes",
    ),
    Column(
        "micro_batch_size",
        INTEGER,
        "images of one forward pass: data.batch_size / accumulation",
        "images",
    ),
)

EPOCH_COLUMNS = (
    Column("study", TEXT, "name of the study"),
    Column("trial", INTEGER, "number of the trial"),
    Column("point", INTEGER, "number of its point"),
    Column("replicate", INTEGER, "which of the point's seeds"),
    Column("epoch", INTEGER, "finished epochs, from 1", "epochs"),
    Column("attempt", INTEGER, "attempt that trained it, from 1"),
    Column("time", TIME, "when it was reported"),
    Column("steps", INTEGER, "optimizer updates so far", "steps"),
    Column("lr", NUMBER, "learning rate of the epoch's last update"),
    Column("train_accuracy", NUMBER, "running mean over the epoch's training batches", "1"),
    Column("train_loss", NUMBER, "running mean over the epoch's training batches", "nat"),
    Column("val_accuracy", NUMBER, "share of validation images classified right", "1"),
    Column("val_loss", NUMBER, "mean loss on the validation images", "nat"),
    Column(
        "fresh_statistics_accuracy",
        NUMBER,
        "val_accuracy if batch norms had statistics of the weights as they are; only of the first"
        " epoch in which validation lay far below training",
        "1",
    ),
    Column("val_f1", NUMBER, "macro F1 on the validation images", "1"),
    Column(
        "val_top5",
        NUMBER,
        "share of validation images whose class is among the five likeliest",
        "1",
    ),
    Column(
        "test_accuracy",
        NUMBER,
        "the same on the test images, where the study looks at them each epoch",
        "1",
    ),
    Column(
        "test_loss",
        NUMBER,
        "mean loss on the test images, where the study looks at them each epoch",
        "nat",
    ),
    Column(
        "test_f1",
        NUMBER,
        "macro F1 on the test images, where the study looks at them each epoch",
        "1",
    ),
    Column(
        "test_top5",
        NUMBER,
        "top-5 share of the test images, where the study looks at them each epoch",
        "1",
    ),
    Column("train_seconds", NUMBER, "training time of the epoch", "s"),
    Column("eval_seconds", NUMBER, "evaluation time of the epoch", "s"),
    Column("seconds", NUMBER, "training and evaluation time up to the epoch's end", "s"),
    Column("images_per_second", NUMBER, "training images a second", "1/s"),
    Column("peak_memory_bytes", INTEGER, "most memory that tensors held on the device", "bytes"),
    Column("skipped_steps", INTEGER, "updates that the gradient scaler skipped", "steps"),
    Column("gradient_norm", NUMBER, "mean 2-norm of the gradient before clipping"),
)
