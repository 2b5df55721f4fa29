"""The one place that imports torchvision, so that it also works beside a torch without CUDA.

torchvision's Linux wheel is linked against CUDA. Beside a CPU-only torch its compiled operators
don't load and the import dies at ``torchvision::nms``, which has no schema then. On exactly that
error the half-imported package is dropped, the two schemas are declared and the import is tried
again. Nothing here calls those operators.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

import torch

_SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)

_library: torch.library.Library | None = None
"""The declared schemas live as long as this object."""


def _import() -> None:
    global _library
    try:
        importlib.import_module("torchvision")
    except RuntimeError as error:
        if "operator torchvision::nms does not exist" not in str(error):
            raise
        for name in list(sys.modules):
            if name.partition(".")[0] == "torchvision":
                del sys.modules[name]
        _library = torch.library.Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]
        for schema in _SCHEMAS:
            _library.define(schema)  # type: ignore[no-untyped-call]
        importlib.import_module("torchvision")


_import()

import torchvision  # noqa: E402

__all__ = ["torchvision", "v2_functional"]


def v2_functional() -> Any:
    """Return torchvision's functions on images, in their second version."""
    return importlib.import_module("torchvision.transforms.v2.functional")
