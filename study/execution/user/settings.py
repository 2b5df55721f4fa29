"""Files of settings: the user's own, and the one that lies beside the studies of a storage.

Both are called ``settings.yaml``. Each is judged like a study file: all faults at once, each with
its line.
"""

from __future__ import annotations

from collections.abc import Mapping

from search_spaces.validation import Fault, describe
from study.errors import SpecError
from study.execution.user.configuration import configuration_folder
from study.files.storage import StorageLike, StoragePath
from study.files.storage_uri import path_as_written, storage_path
from study.files.yaml_reader import LARGEST_BYTES, read_yaml
from study.spec.fault_report import FaultReport
from study.spec.parts.file_section import FileSection
from study.spec.parts.prices import Prices
from study.validation.document import parse_document
from study.validation.vocabulary import Vocabulary

SETTINGS = "settings.yaml"


class Settings(FileSection):
    """All that a file of settings may say."""

    prices: Prices = Prices()
    """what hours of processors cost"""


_VOCABULARY = Vocabulary(Settings, key_synonyms={})


def user_settings() -> Settings:
    """Read the user's own settings; SpecError with every fault of theirs."""
    return _read(path_as_written(configuration_folder() / SETTINGS))


def storage_settings(storage: StorageLike) -> Settings:
    """Read the settings that lie in a storage, for all of its studies; SpecError likewise."""
    return _read(storage_path(storage) / SETTINGS)


def _read(path: StoragePath) -> Settings:
    if not path.is_file():
        return Settings()
    with path.open_binary() as file:
        document = read_yaml(file.read(LARGEST_BYTES + 1))
    report = FaultReport(str(path), document)
    report.raise_faults()
    tree = {} if document.tree is None else document.tree
    if not isinstance(tree, Mapping):
        report.add([Fault((), "must be a mapping", describe(tree))])
        raise SpecError(report.lines())
    settings, faults = parse_document(_VOCABULARY, tree)
    report.add(faults)
    report.raise_faults()
    assert settings is not None
    return settings
