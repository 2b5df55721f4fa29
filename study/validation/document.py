"""Validate a document whole: either it, or every fault in it at the path that the user wrote."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import ValidationError

from search_spaces.validation import Fault, FieldPath, KeyPath, format_path
from study.validation.section import Section
from study.validation.translation import Translation, has_part, keys_of
from study.validation.vocabulary import Vocabulary

_Document = TypeVar("_Document", bound=Section)


def parse_document(
    vocabulary: Vocabulary[_Document],
    tree: Mapping[str, object],
    written: Mapping[str, object] | None = None,
) -> tuple[_Document | None, list[Fault]]:
    """Return the document that ``tree`` writes, and every fault in it.

    Rules over several fields are judged also where other fields are at fault: those are left out
    and it is judged again, unless the rule speaks of one of them. So a document comes back beside
    its faults: what is sound of it, over the defaults; None where that makes none. ``written`` is
    the tree as the user wrote it, where ``tree`` is a fuller form of that.
    """
    try:
        return vocabulary.document.model_validate(tree), []
    except ValidationError as error:
        return _parse_faulty(vocabulary, copy.deepcopy(dict(tree)), written or tree, error)


def _parse_faulty(
    vocabulary: Vocabulary[_Document],
    sound: dict[str, Any],
    written: Mapping[str, object],
    error: ValidationError,
) -> tuple[_Document | None, list[Fault]]:
    """Leave out what is at fault, again and again until the rest is a document."""
    faults: list[Fault] = []
    left_out: set[str] = set()
    while True:
        found = [
            Translation(details, sound, written, vocabulary)
            for details in error.errors(include_url=False)
            if details["type"] != "default_factory_not_called"
        ]
        faults += [
            translation.fault
            for translation in found
            if translation.fault not in faults and not translation.is_about(left_out)
        ]
        gone = _leave_all_out(sound, [translation.fault.path for translation in found], vocabulary)
        left_out |= {format_path(path[:end]) for path in gone for end in range(1, len(path) + 1)}
        if not gone:  # a default is at fault beside what is written
            return None, faults
        try:
            return vocabulary.document.model_validate(sound), faults
        except ValidationError as next_error:
            error = next_error


def _leave_all_out(
    tree: dict[str, Any], paths: list[KeyPath], vocabulary: Vocabulary[Any]
) -> list[KeyPath]:
    """Take the values at ``paths`` out of ``tree``; return the paths of what was taken out."""
    gone: list[KeyPath] = []
    for path in sorted(dict.fromkeys(paths), key=_last_first):
        if any(path[: len(other)] == other for other in gone):
            continue  # it went with what holds it
        at = _leave_out(tree, path, vocabulary.placeholders)
        if at is not None:
            gone.append(at)
    return gone


def _last_first(path: KeyPath) -> tuple[int, ...]:
    """Order paths so that taking an entry out of a list moves no entry that is still to go."""
    return tuple(-part for part in path if isinstance(part, int))


def _leave_out(
    tree: dict[str, Any], path: KeyPath, placeholders: Mapping[FieldPath, Any]
) -> KeyPath | None:
    """Take the value at ``path`` out of ``tree``, or the innermost section there that holds it.

    Return the path of what was taken out, or None where nothing was.
    """
    if keys_of(path) in placeholders:
        return _put_placeholder(tree, path, placeholders[keys_of(path)])
    holder: Any = tree
    innermost: tuple[Any, KeyPath] | None = None
    for depth, part in enumerate(path):
        if not has_part(holder, part):
            break
        innermost = (holder, path[: depth + 1])
        holder = holder[part]
    if innermost is None:
        return None
    holder, at = innermost
    if keys_of(at) in placeholders:
        return _put_placeholder(tree, at, placeholders[keys_of(at)])
    del holder[at[-1]]
    return at


def _put_placeholder(tree: dict[str, Any], path: KeyPath, placeholder: object) -> KeyPath | None:
    """Put a placeholder at ``path``, if it isn't there yet."""
    holder: Any = tree
    for part in path[:-1]:
        holder = holder[part]
    last = path[-1]
    if has_part(holder, last) and holder[last] == placeholder:
        return None
    holder[last] = copy.deepcopy(placeholder)
    return path
