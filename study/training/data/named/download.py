"""Data sets that torchvision reads and, where they are missing, downloads."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from study.errors import DataMissing
from study.training.data.datasets import DATA_DIR_VARIABLE

if TYPE_CHECKING:
    from study.training.runtime.torchvision import torchvision


def open_torchvision_sets(
    dataset_class: Callable[..., torchvision.datasets.VisionDataset],
    name: str,
    folder: Path,
    *,
    subfolder: str,
    layouts: str,
) -> tuple[torchvision.datasets.VisionDataset, torchvision.datasets.VisionDataset]:
    """Return the training and the test set, downloaded where ``folder/subfolder`` isn't there.

    ``layouts`` says in words which files would do. Raises DataMissing, with them, where the files
    are damaged or the download fails.
    """
    if not (folder / subfolder).is_dir():
        _download(dataset_class, name, folder, subfolder, layouts)
    try:
        train = dataset_class(str(folder), train=True, download=False)
        test = dataset_class(str(folder), train=False, download=False)
    except (RuntimeError, OSError, ValueError) as error:
        raise DataMissing(
            f"{name}: the files in {folder / subfolder} are not whole, or not those that"
            f" torchvision knows: {_one_line(error)}; delete them, or put {layouts}"
            f" into {folder}"
        ) from error
    return train, test


def _download(
    dataset_class: Callable[..., object], name: str, folder: Path, subfolder: str, layouts: str
) -> None:
    """Download into a temporary folder, then rename it, so that trials don't disturb each other."""
    target = folder / subfolder
    partial: Path | None = None
    is_new = not folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=".download-", dir=folder))
        dataset_class(str(partial), train=True, download=True)
        if not target.is_dir():
            os.rename(partial / subfolder, target)
    except Exception as error:  # from the network, the proxy, the archive or the disk
        if target.is_dir():
            return  # another trial was first
        raise DataMissing(
            f"{name}: found no {layouts} in {folder}, and the download failed:"
            f" {_one_line(error)}; put them there, or name their folder in {DATA_DIR_VARIABLE}"
        ) from error
    finally:
        if partial:
            shutil.rmtree(partial, ignore_errors=True)
        if is_new:
            with suppress(OSError):  # it holds the images, ours or another trial's
                folder.rmdir()


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
