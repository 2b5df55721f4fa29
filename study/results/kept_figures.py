"""Figures that take long to come to, kept for this user under a hash of all that they depend on.

So a figure that is found is that of now, and nobody else's. What is kept can be made again: a file
that isn't there, or isn't of this form, holds none, and where it can't be written none is kept.
"""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from study.files.atomic import make_folder, write_whole

_LARGEST_BYTES = 2_000_000


def hash_of(*parts: bytes | str) -> str:
    """Return a hash of some parts, each of them whole, in their order."""
    whole = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        whole.update(hashlib.sha256(data).digest())
    return whole.hexdigest()


@dataclass(frozen=True)
class KeptFigures:
    """Plain data by hashes, in a file of the user's own, and no study's."""

    name: str
    most: int
    """Of more, the oldest are let go of."""

    def find(self, key: str) -> Any:
        """Return what is kept under a hash; None where there is nothing."""
        return self._read().get(key)

    def keep(self, key: str, figures: Any) -> None:
        """Keep plain data under a hash."""
        kept = {**self._read(), key: figures}
        newest = dict(list(kept.items())[-self.most :])
        with suppress(OSError):
            make_folder(self._path.parent)
            write_whole(self._path, json.dumps(newest))

    @property
    def _path(self) -> Path:
        """In the user's folder for what can be made again, by the XDG convention."""
        stated = Path(os.environ.get("XDG_CACHE_HOME", ""))
        base = stated if stated.is_absolute() else Path(os.path.expanduser("~"), ".cache")
        return base / "ray-study" / self.name

    def _read(self) -> dict[str, Any]:
        try:
            with self._path.open("rb") as file:
                tree: Any = json.loads(file.read(_LARGEST_BYTES))
        except (OSError, ValueError, RecursionError):
            return {}
        return tree if isinstance(tree, dict) else {}
