"""Which part of a data set and which class each file belongs to, by the folders that it lies in.

``DIR/train/CLASS/*``, with ``DIR/val/CLASS/*`` and ``DIR/test/CLASS/*`` where there are any, or
``DIR/CLASS/*``, all of which train. Deeper folders belong to their class.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from search_spaces.validation import Fault, closest_match, describe
from study.files.storage import ListedFile, StoragePath
from study.files.visible_text import visible
from study.training.data.files.decode import SUFFIXES

TRAIN, VALIDATION, TEST = range(3)
PARTS = ("train", "val", "test")
"""The folders of the three parts, in the order of their numbers."""
_SAID = 3
"""So many names are said where there may be very many."""


@dataclass(frozen=True)
class Layout:
    """The images of a data set, of one class after the other within each part."""

    classes: tuple[str, ...]
    files: list[ListedFile]
    parts: list[int]
    """Of each file, by its place in ``PARTS``."""
    labels: list[int]
    """Of each file, its class's place in ``classes``."""
    left_out: tuple[str, ...] = ()
    """Files that are no images by their names, or lie in no class."""


def lay_out(
    place: StoragePath, files: Sequence[ListedFile], test_fraction: float | None
) -> tuple[Layout | None, list[Fault]]:
    """Return the layout of the files below ``place``, or None and what is at fault with them.

    The faults' paths are keys of the recipe's data section.
    """
    images = [file for file in files if file.name.lower().endswith(SUFFIXES)]
    tops = {file.name.partition("/")[0] for file in images if "/" in file.name}
    has_parts = not tops.isdisjoint(PARTS)
    faults = [*_top_faults(place, images, tops, has_parts)]
    if faults:
        return None, faults
    placed = {file.name for file in images if file.name.count("/") > has_parts}
    rows = [_placed(file, has_parts) for file in images if file.name in placed]
    classes = tuple(sorted({name for part, name, _ in rows if part == TRAIN}))
    faults = [*_class_faults(place, rows, classes, has_parts)]
    if test_fraction is not None and "test" in tops and has_parts:
        must = "must be left out beside a folder test"
        faults.append(Fault(("test_fraction",), must, describe(test_fraction), on_key=True))
    if faults:
        return None, faults
    label_of = {name: label for label, name in enumerate(classes)}
    kept = [(part, label_of[name], file) for part, name, file in rows]
    if test_fraction is not None:
        kept = with_test(kept, test_fraction)
    kept.sort()
    return Layout(
        classes,
        [file for _, _, file in kept],
        [part for part, _, _ in kept],
        [label for _, label, _ in kept],
        tuple(file.name for file in files if file.name not in placed),
    ), []


_Row = tuple[int, int, ListedFile]
"""Part, label, file."""


def _placed(file: ListedFile, has_parts: bool) -> tuple[int, str, ListedFile]:
    """Return a file's part and class."""
    first, second, *_ = file.name.split("/")
    return (PARTS.index(first), second, file) if has_parts else (TRAIN, first, file)


def with_test(rows: Iterable[_Row], fraction: float) -> list[_Row]:
    """Make a share of each class's training files those of the test.

    They are the same whatever the seed, and stay so where files are added.
    """
    rows = list(rows)
    by_class: dict[int, list[_Row]] = {}
    for row in rows:
        if row[0] == TRAIN:
            by_class.setdefault(row[1], []).append(row)
    tested = set()
    for of_class in by_class.values():
        of_class.sort(key=lambda row: hashlib.sha256(os.fsencode(row[2].name)).digest())
        tested |= {row[2].name for row in of_class[: round(len(of_class) * fraction)]}
    return [(TEST if row[2].name in tested else row[0], row[1], row[2]) for row in rows]


# -- faults ----------------------------------------------------------------------------


def _top_faults(
    place: StoragePath, images: Sequence[ListedFile], tops: set[str], has_parts: bool
) -> Iterator[Fault]:
    """Demand images in folders, and of the parts that there are the one that trains."""
    accepted = "DIR/train/CLASS/* | DIR/CLASS/*"
    if not place.exists():
        nearest = closest_match(place.name, [path.name for path in place.parent.sorted_glob("*")])
        must = "must be a folder that is there"
        yield Fault(("path",), must, _said(str(place)), nearest=nearest)
    elif not images:
        kinds = ", ".join(suffix[1:] for suffix in SUFFIXES)
        must = f"must hold images ({kinds}) in folders by class"
        yield Fault(("path",), must, f"none below {_said(str(place))}", accepted)
    elif not tops:
        found = f"{len(images)} images in {_said(str(place))} itself"
        yield Fault(("path",), "must hold a folder for each class", found, accepted)
    elif has_parts and "train" not in tops:
        others = sorted(tops)
        found = f"{_listed(others)} below {_said(str(place))}"
        near = closest_match("train", others)
        must = "must hold a folder train beside its other parts"
        yield Fault(("path",), must, found, nearest=near)
    elif has_parts:
        for name in sorted(tops.difference(PARTS)):
            must = f"must hold no folders but {', '.join(PARTS)} where it holds train"
            yield Fault(("path",), must, _said(name), nearest=closest_match(name, PARTS))


def _class_faults(
    place: StoragePath,
    rows: Sequence[tuple[int, str, ListedFile]],
    classes: Sequence[str],
    has_parts: bool,
) -> Iterator[Fault]:
    """Demand two classes at least, images in each of them, and no others in the other parts."""
    where = place / "train" if has_parts else place
    if len(classes) < 2:
        found = f"{_listed(classes) or 'none'} in {_said(str(where))}"
        yield Fault(("path",), "must hold at least 2 classes, a folder each", found)
    local = where.local_path()
    if local is not None:
        folders = [path.name for path in sorted(local.iterdir()) if path.is_dir()]
        empty = [name for name in folders if name not in classes and not name.startswith(".")]
        if empty:
            must = "must hold images in the folder of each class"
            yield Fault(("path",), must, f"none in {_listed(empty)} of {_said(str(where))}")
    counts = Counter((part, name) for part, name, _ in rows if name not in classes)
    for (part, name), count in sorted(counts.items()):
        must = f"must hold in {PARTS[part]} the classes that train holds"
        found = f"{_said(name)} with {count} images"
        yield Fault(("path",), must, found, nearest=closest_match(name, list(classes)))


def _listed(names: Sequence[str]) -> str:
    said = ", ".join(map(_said, names[:_SAID]))
    return said + (f" and {len(names) - _SAID} more" if len(names) > _SAID else "")


def _said(name: str) -> str:
    return visible(name)
