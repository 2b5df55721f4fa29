"""The images that a study's trials have trained on, so that all of one setting see the same."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from study.training.recipe.data_catalog import FILE_SETS
from study.validation.section import is_factory_name

if TYPE_CHECKING:
    from study.journal.trials import Trial
    from study.spec.spec import StudySpec

_NAME = "data.name"


class DataSets:
    """Remembers, by the settings that choose images, the hash of those that were trained on."""

    def __init__(self, spec: StudySpec) -> None:
        self._common_name = spec.kind.values_by_path(spec.recipe_tree({})).get(_NAME)
        self._hashes: dict[str, str] = {}

    def note(self, trial: Trial, values: Mapping[str, Any]) -> None:
        """Remember what a trial that has finished was trained on."""
        found = images_hash(trial.summary.get("data_fingerprint"))
        if found:
            self._hashes.setdefault(self._key(values), found)

    def hash_for(self, values: Mapping[str, Any]) -> str:
        """Return the hash of the images that a point must be trained on, empty for any."""
        return self._hashes.get(self._key(values), "")

    def _key(self, values: Mapping[str, Any]) -> str:
        """Return what chooses the images: a name alone, or all that a factory is called with or
        files are read by.
        """
        name = values.get(_NAME, self._common_name)
        if not is_factory_name(str(name)) and name not in FILE_SETS:
            return str(name)
        settings = {path: value for path, value in values.items() if path.startswith("data.")}
        return json.dumps([name, settings], sort_keys=True, default=str)


def images_hash(fingerprint: Any) -> str:
    """Return the part of a training's data fingerprint that is the images' own."""
    return str(fingerprint).partition(",")[0] if fingerprint else ""
