"""The storages that are served, each under a label of its own."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from study.errors import UserError
from study.files.storage import StoragePath
from study.files.storage_uri import storage_path

_LABEL = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
_LABELED = re.compile(rf"({_LABEL})=(.+)")
_NOT_OF_A_LABEL = re.compile(r"[^A-Za-z0-9._-]+")


def labeled_storages(texts: Iterable[str]) -> Mapping[str, StoragePath]:
    """Return the storages that texts ``[LABEL=]URI`` name, by their labels.

    A label is by default the last part of the storage's path, with a number behind it where that is
    taken. UserError where two storages are given one label.
    """
    stated: dict[str, StoragePath] = {}
    unlabeled: list[StoragePath] = []
    for text in texts:
        labeled = _LABELED.fullmatch(text)
        if labeled is None:
            unlabeled.append(storage_path(text))
        elif labeled[1] in stated:
            raise UserError(f"two storages have the label {labeled[1]}: give each its own")
        else:
            stated[labeled[1]] = storage_path(labeled[2])
    for storage in unlabeled:
        if storage not in stated.values():
            stated[_free_label(storage, stated)] = storage
    return stated


def _free_label(storage: StoragePath, taken: Mapping[str, StoragePath]) -> str:
    """Return a label by the last part of a storage's path that no other storage has."""
    base = _NOT_OF_A_LABEL.sub("-", storage.name).strip("-._")[:60] or "studies"
    label, number = base, 1
    while label in taken:
        number += 1
        label = f"{base}-{number}"
    return label
