"""Study files with an own training."""

from __future__ import annotations

from typing import Any

OWN: dict[str, Any] = {
    "study": "iou",
    "train": "segment:train",
    "objective": {"metric": "iou", "direction": "maximize"},
    "points": 6,
    "recipe": {"epochs": 4, "width": 32, "state": "warm"},
    "space": {
        "lr": {"log": [1e-4, 1e-1]},
        "optimizer": {"one_of": {"sgd": {"momentum": {"uniform": [0, 0.95]}}, "adam": {}}},
    },
}


def own(**changes: Any) -> dict[str, Any]:
    """A study with an own training, some of its keys changed, those that are None left out."""
    tree = OWN | changes
    return {key: value for key, value in tree.items() if value is not None}
