"""What the catalog says of a data set is what its reader finds."""

from __future__ import annotations

from pathlib import Path

import pytest

from study.training.data.datasets import DataSet
from study.training.recipe.data_catalog import DATA_SETS
from study.training.recipe.sections import Data
from study.training.runtime.imports import import_function

FREE_OF_FILES = [name for name, info in DATA_SETS.items() if not info.folders]


@pytest.mark.parametrize("name", FREE_OF_FILES)
def test_the_catalog_agrees_with_the_images(name: str) -> None:
    info = DATA_SETS[name]
    data: DataSet = import_function(info.reader)(Path())
    assert data.image_shape == info.image_shape
    assert data.classes == info.classes == 1 + int(data.train_labels.max())
    assert (len(data.train_labels), len(data.test_labels)) == (info.train_images, info.test_images)


@pytest.mark.parametrize("name", DATA_SETS)
def test_every_reader_can_be_imported(name: str) -> None:
    assert callable(import_function(DATA_SETS[name].reader))


def test_an_image_size_replaces_the_stored_one() -> None:
    assert Data().input_shape((1, 28, 30)) == (1, 28, 30)
    assert Data(image_size=64).input_shape((1, 28, 30)) == (1, 64, 64)
