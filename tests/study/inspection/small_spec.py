"""A study of a few points that previews are made of."""

from __future__ import annotations

from typing import Any

from study.spec.load import spec_from_tree
from study.spec.spec import StudySpec


def small(**keys: Any) -> StudySpec:
    space = {"precision": {"choice": ["fp32", "bf16"]}, "accumulation": {"choice": [1, 2]}}
    return spec_from_tree({"study": "s", "points": 6, "space": space} | keys)
