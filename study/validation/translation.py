"""From one error of pydantic to one fault, in our words and at the path that the user wrote.

This is the only place that knows pydantic's kinds of errors.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from pydantic_core import ErrorDetails

from search_spaces.validation import (
    Fault,
    FieldPath,
    KeyPath,
    alternatives,
    closest_match,
    describe,
    format_path,
    unknown_key_fault,
)
from study.validation.section import keys_at
from study.validation.vocabulary import Vocabulary

_MUST = {
    "int_type": "must be an integer",
    "int_from_float": "must be an integer",
    "int_parsing_size": "must be an integer of fewer digits",
    "float_type": "must be a number",
    "finite_number": "must be a finite number",
    "bool_type": "must be true or false",
    "string_type": "must be text",
    "tuple_type": "must be a list",
    "dict_type": "must be a mapping",
    "model_type": "must be a mapping",
    "model_attributes_type": "must be a mapping",
    "greater_than": "must be greater than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "string_pattern_mismatch": "must be lower-case letters, digits and _",
}


class Translation:
    """One error of pydantic, as a fault of what the user wrote.

    ``tree`` is the document that was validated, ``written`` as the user has it.
    """

    def __init__(
        self,
        details: ErrorDetails,
        tree: Mapping[str, object],
        written: Mapping[str, object],
        vocabulary: Vocabulary[Any],
    ) -> None:
        self._kind = details["type"]
        self._input = details["input"]
        self._must = sentence_of(details)
        self._context: dict[str, Any] = details.get("ctx", {})
        self._tree = tree
        self._written = written
        self._vocabulary = vocabulary
        self._path, self._form = self._without_tags(details["loc"])
        self._rule_path = self._path
        self.fault = self._translated()

    def is_about(self, left_out: Collection[str]) -> bool:
        """Whether it only follows from what was left out."""
        section = self._path[:-1] if self._kind == "extra_forbidden" else self._path
        if self._kind in ("extra_forbidden", "union_tag_not_found"):
            # which keys a section has, only its name can say
            return format_path((*section, "name")) in left_out
        others = self._context.get("beside", ())
        beside = (format_path((*self._rule_path, other)) for other in others)
        return any(path in left_out for path in beside)

    def _without_tags(self, location: KeyPath) -> tuple[KeyPath, str | None]:
        """The path as the user wrote it, and the form that the last of pydantic's tags named."""
        path: KeyPath = ()
        form: str | None = None
        tagged: set[KeyPath] = set()
        for part in location:
            tags = self._vocabulary.tags.get(keys_of(path), ())
            if part in tags and path not in tagged:
                form = str(part)
                tagged.add(path)
            elif isinstance(part, int) and self._stands_alone(path):
                continue
            elif part != "[key]":
                path = (*path, part)
        return path, form

    def _stands_alone(self, path: KeyPath) -> bool:
        """Whether a single entry was written in place of a list of them."""
        holder = value_at(path[:-1], self._tree)
        return has_part(holder, path[-1]) and not isinstance(holder[path[-1]], list | tuple)

    def _translated(self) -> Fault:
        match self._kind:
            case "rule":
                return self._broken_rule()
            case "missing":
                return Fault(self._path, "must be given", "nothing")
            case "extra_forbidden":
                return self._unknown_key()
            case "union_tag_invalid" | "union_tag_not_found":
                return self._unknown_form()
            case "literal_error":
                return self._unknown_word()
        return Fault(self._as_written(self._path), self._must, describe(self._input))

    def _broken_rule(self) -> Fault:
        context = self._context
        self._path = self._as_written((*self._path, *context["at"]))
        found = context["found"]
        if found is None:
            found = describe(value_at(self._path, self._written))
        return Fault(
            self._path,
            context["must"],
            found,
            context["accepted"],
            context["nearest"],
            context["on_key"],
        )

    def _unknown_key(self) -> Fault:
        vocabulary = self._vocabulary
        section = keys_of(self._path[:-1])
        known = keys_at(vocabulary.document, section, self._form, vocabulary.forms)
        synonyms = vocabulary.key_synonyms.get(section, vocabulary.common_key_synonyms)
        return unknown_key_fault(self._path, known, synonyms)

    def _unknown_form(self) -> Fault:
        section = keys_of(self._path)
        names = list(self._vocabulary.forms[section])
        name = self._input
        if isinstance(name, Mapping):
            name = name.get("name")
        if not isinstance(name, str):
            must = "must be a name or a mapping with a name"
            return Fault(self._path, must, describe(name), alternatives(names))
        kind = self._vocabulary.kinds.get(section, section[-1])
        path = (*self._path, "name")
        return Fault(
            self._as_written(path),
            f"must name a known {kind}",
            describe(name),
            alternatives(names),
            self._suggestion(path, name, names),
        )

    def _unknown_word(self) -> Fault:
        expected = str(self._context["expected"]).replace(" or ", ", ")
        words = [word.strip("'") for word in expected.split(", ")]
        return Fault(
            self._as_written(self._path),
            "must be one of the accepted words",
            describe(self._input),
            alternatives(words),
            self._suggestion(self._path, self._input, words),
        )

    def _suggestion(self, path: KeyPath, value: object, names: list[str]) -> str:
        synonyms = self._vocabulary.value_synonyms.get(keys_of(path), {})
        word = str(value).lower()
        ours = synonyms.get(word) or synonyms.get(word.replace("_", "-"))
        return ours or closest_match(value, names)

    def _as_written(self, path: KeyPath) -> KeyPath:
        """The path without its last key where a plain text stands for that key's mapping."""
        is_short = path and path[-1] in self._vocabulary.short_keys
        if is_short and isinstance(value_at(path[:-1], self._written), str):
            return path[:-1]
        return path


def sentence_of(details: ErrorDetails) -> str:
    """What must hold where pydantic has found this error, in our words where there are any."""
    kind = details["type"]
    if kind not in _MUST:
        return f"must hold: {details['msg']}"
    limits = {key: _as_limit(value) for key, value in details.get("ctx", {}).items()}
    return _MUST[kind].format(**limits)


def _as_limit(value: object) -> object:
    return f"{value:g}" if isinstance(value, float) else value


def keys_of(path: KeyPath) -> FieldPath:
    """The keys of a path, without the indices of lists."""
    return tuple(part for part in path if isinstance(part, str))


def value_at(path: KeyPath, tree: Any) -> Any:
    """What stands at a path, or None where nothing does."""
    for part in path:
        if not has_part(tree, part):
            return None
        tree = tree[part]
    return tree


def has_part(holder: object, part: str | int) -> bool:
    if isinstance(holder, list):
        return isinstance(part, int) and part < len(holder)
    return isinstance(holder, Mapping) and part in holder
