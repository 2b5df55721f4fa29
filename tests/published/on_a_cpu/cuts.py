"""Which entries of the shipped studies a CPU runs as published, how far, and on how many seeds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import search_spaces
from study.files.yaml_reader import read_yaml

SHIPPED = Path(search_spaces.__file__).parent / "studies"


@dataclass(frozen=True)
class Cut:
    """Some entries of a shipped study, up to an epoch that two cores reach in hours."""

    name: str
    """Of the study that it makes."""
    source: str
    """The shipped study."""
    entries: tuple[int, ...]
    """Which of its ``first:``, counted from 0."""
    epochs: int
    """The last epoch that is trained."""
    seeds: int
    since: int = 1
    """The first epoch whose figures are held against the published ones."""
    original: str = ""
    """The script beside this file in which the published library trains, where there is one."""
    why: Mapping[str, str] = field(default_factory=dict)
    """By figure, why ours differs from the published one by more than seeds do."""
    changes: dict[str, Any] = field(default_factory=dict)
    """What is set in their place: of what a CPU can't do, of how numbers lie in memory, or of the one
    thing that is varied.
    """

    def tree(self) -> dict[str, Any]:
        """The study file, as a tree."""
        tree: dict[str, Any] = read_yaml((SHIPPED / f"{self.source}.yaml").read_bytes()).tree
        chosen = [tree["first"][entry] for entry in self.entries]
        tree.pop("space", None)
        return tree | {
            "study": self.name,
            "sampler": "first-only",
            "replicates": self.seeds,
            "resources": {"cpus": 1},
            "concurrency": 2,
            "keep_checkpoints": "none",
            "first": [self._cut(entry, tree["recipe"]) for entry in chosen],
        }

    def _cut(self, entry: dict[str, Any], recipe: dict[str, Any]) -> dict[str, Any]:
        """An entry with what a CPU forces, its training and its figures up to the last epoch."""
        published = [row for row in entry["published"] if row.get("epoch", 0) in self._reached]
        return {
            "set": entry["set"] | self.changes | self._end(entry, recipe),
            "published": published,
        }

    @property
    def _reached(self) -> range:
        return range(self.since, self.epochs + 1)

    def _end(self, entry: dict[str, Any], recipe: dict[str, Any]) -> dict[str, Any]:
        """What ends the training after the last epoch, and leaves the epochs before as they were.

        A schedule that spans the published length must keep that length: there a target that any
        epoch reaches ends the training after its first.
        """
        schedule = entry["set"].get("schedule", recipe.get("schedule"))
        if schedule in (None, "constant"):
            return {"epochs": self.epochs}
        if self.epochs != 1:
            raise ValueError(f"{self.name}: a schedule can be cut after its first epoch alone")
        return {"target": {"metric": "test_accuracy", "value": 0.0}}


NOT_REPEATED = dict.fromkeys(
    ("test_accuracy", "test_loss"),
    "not known; Keras itself, run again, doesn't repeat it either",
)
"""Of test figures of the Keras row's first epoch."""

AFTERWARDS = dict.fromkeys(
    ("train_accuracy", "train_loss"),
    "published after the epoch and without dropout, ours while it trains",
)
"""What the Julia notebook's train figures are."""

ANOTHER_NETWORK = dict.fromkeys(
    ("test_accuracy", "test_loss", "train_accuracy", "train_loss"),
    "presumably published of the notebook's CNN of three stages",
)
"""Of all figures of its VGG16, by what both networks have and what their epochs would take."""

BY_PIXEL = {"execution.memory_format": "channels_last"}
"""How a CPU trains large networks fastest: the same arithmetic, summed up in another order."""

MIXED = {"precision": "bf16"}
"""The mixed precision of a CPU, where fp16 was published."""

AT_HAND = {"data.train_images": 10_000}
"""A fifth of CIFAR-100's training images, as many as show whether anything is learned."""

THREE_STAGES = {"model": {"name": "flux_cnn", "init": "glorot_uniform"}}
"""The three-stage CNN of the Julia notebook, for its VGG16."""

CUTS = (
    Cut(
        "keras_resnet_on_a_cpu",
        "flux_vgg16_resnet18",
        (3,),
        3,
        seeds=3,
        original="keras_original.py",
        why=NOT_REPEATED,
    ),
    Cut(
        "flux_cnn_for_vgg16_on_a_cpu",
        "flux_vgg16_resnet18",
        (0,),
        2,
        seeds=3,
        why=AFTERWARDS,
        changes=THREE_STAGES,
    ),
    Cut(
        "flux_cnn_for_vgg16_longer_on_a_cpu",
        "flux_vgg16_resnet18",
        (0,),
        5,
        seeds=1,
        since=3,
        why=AFTERWARDS,
        changes=THREE_STAGES,
    ),
    Cut(
        "flux_resnet_on_a_cpu",
        "flux_vgg16_resnet18",
        (2,),
        5,
        seeds=3,
        why=AFTERWARDS,
    ),
    Cut("knet_cnn_on_a_cpu", "knet_stopping", (8,), 10, seeds=3, changes=BY_PIXEL),
    Cut(
        "annt_resnet50_on_a_cpu",
        "annt_replica",
        (1,),
        1,
        seeds=1,
        changes=MIXED | BY_PIXEL,
    ),
    Cut(
        "flux_vgg16_on_a_cpu",
        "flux_vgg16_resnet18",
        (0,),
        5,
        seeds=1,
        why=ANOTHER_NETWORK,
        changes=BY_PIXEL,
    ),
    Cut("mobilenet_on_a_cpu", "mobilenet_v1_width", (0,), 3, seeds=3, changes=AT_HAND),
    Cut(
        "mobilenet_batch_of_32_on_a_cpu",
        "mobilenet_v1_width",
        (0,),
        3,
        seeds=3,
        changes=AT_HAND | {"data.batch_size": 32},
    ),
    Cut(
        "mobilenet_without_softmax_on_a_cpu",
        "mobilenet_v1_width",
        (0,),
        3,
        seeds=3,
        changes=AT_HAND | {"data.batch_size": 32, "model.softmax": False},
    ),
)
