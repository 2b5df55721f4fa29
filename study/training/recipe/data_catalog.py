"""The built-in data sets: how large they are, where their files lie and who reads them.

No torch here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

FILE_SETS: Mapping[str, str] = {
    "folder": "study.training.data.files.folder:read_folder",
    "parquet": "study.training.data.files.parquet:read_parquet",
}
"""Data sets of the user's own files at ``data.path``, each with the function that reads it.

It takes the recipe's data section, the path and whom to tell how far it is, and returns a
``DataSet``.
"""


@dataclass(frozen=True)
class DataSetInfo:
    """What is known of a data set before any of its files is read."""

    reader: str
    """``package.module:function``, which takes the data folder and returns a ``DataSet``."""
    image_shape: tuple[int, int, int]
    """Channels, height and width, in pixels."""
    classes: int
    train_images: int
    test_images: int
    folders: tuple[str, ...] = ()
    """Folders below the data folder that may hold the images, in any of the known layouts."""
    package: str | None = None
    """The Python package that brings the images."""
    class_names: tuple[str, ...] = ()
    """What the labels stand for, in their order; empty where they stand for themselves."""


_CIFAR10_CLASSES = "airplane automobile bird cat deer dog frog horse ship truck"
_CIFAR100_CLASSES = """
apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly
camel can castle caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup
dinosaur dolphin elephant flatfish forest fox girl hamster house kangaroo keyboard lamp lawn_mower
leopard lion lizard lobster man maple_tree motorcycle mountain mouse mushroom oak_tree orange orchid
otter palm_tree pear pickup_truck pine_tree plain plate poppy porcupine possum rabbit raccoon ray
road rocket rose sea seal shark shrew skunk skyscraper snail snake spider squirrel streetcar
sunflower sweet_pepper table tank telephone television tiger tractor train trout tulip turtle
wardrobe whale willow_tree wolf woman worm
"""


DATA_SETS: Mapping[str, DataSetInfo] = {
    "cifar10": DataSetInfo(
        "study.training.data.named.cifar:read_cifar10",
        image_shape=(3, 32, 32),
        classes=10,
        train_images=50_000,
        test_images=10_000,
        folders=("cifar-10-batches-bin", "cifar-10-batches-py"),
        class_names=tuple(_CIFAR10_CLASSES.split()),
    ),
    "cifar100": DataSetInfo(
        "study.training.data.named.cifar:read_cifar100",
        image_shape=(3, 32, 32),
        classes=100,
        train_images=50_000,
        test_images=10_000,
        folders=("cifar-100-binary", "cifar-100-python"),
        class_names=tuple(_CIFAR100_CLASSES.split()),
    ),
    "mnist": DataSetInfo(
        "study.training.data.named.mnist:read_mnist",
        image_shape=(1, 28, 28),
        classes=10,
        train_images=60_000,
        test_images=10_000,
        folders=("MNIST",),
    ),
    "digits": DataSetInfo(
        "study.training.data.named.digits:read_digits",
        image_shape=(1, 8, 8),
        classes=10,
        train_images=1437,
        test_images=360,
        package="sklearn",
    ),
    "synthetic": DataSetInfo(
        "study.training.data.named.synthetic:make_synthetic",
        image_shape=(3, 32, 32),
        classes=10,
        train_images=5000,
        test_images=1000,
    ),
}
