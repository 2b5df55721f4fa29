"""The other axes of a recipe: data, loss, clipping, execution and stop rules.

Every axis is a frozen section whose fields all have defaults. Where a section has several forms,
the form is its ``name`` and each form has fields of its own. No torch here: a study file is
validated before torch is loaded.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag, field_validator, model_validator

from search_spaces.validation import describe
from study.training.recipe.augmentations import Augment, NoAugment, order_fault
from study.training.recipe.data_catalog import DATA_SETS, FILE_SETS
from study.training.recipe.metric_catalog import NamedColumn
from study.training.recipe.numbers import Count, NonNegative, Positive, Share
from study.validation.section import FACTORY_FORM, OwnPart, Section, checked_name, form_of, rule

Metric = Literal[
    "val_accuracy",
    "val_loss",
    "val_f1",
    "test_accuracy",
    "test_loss",
    "test_f1",
    "train_accuracy",
    "train_loss",
    NamedColumn,
]


class CrossEntropy(Section):
    """Cross-entropy of the logits.

    ``l1`` and ``l2`` weigh the sums of |w| and w² over all weight matrices.
    """

    name: Literal["cross_entropy"] = "cross_entropy"
    label_smoothing: Share = 0.0
    """The share of a label's weight that goes to all classes alike."""
    l1: NonNegative = 0.0
    """The weight of the sum of |w|."""
    l2: NonNegative = 0.0
    """The weight of the sum of w²."""
    aux_weight: NonNegative = 0.3
    """The weight of each auxiliary head's loss, in models that have such heads.

    GoogLeNet, arXiv:1409.4842.
    """


class OwnLoss(OwnPart):
    """A loss of your own: the scalar that ``function(logits, labels, **options)`` returns.

    Labels are whole numbers (B,), or shares of the classes (B, classes) where images are mixed.
    """

    l1: NonNegative = 0.0
    """The weight of the sum of |w|."""
    l2: NonNegative = 0.0
    """The weight of the sum of w²."""
    aux_weight: NonNegative = 0.3
    """The weight of each auxiliary head's loss, in models that have such heads."""


AnyLoss = Annotated[
    Annotated[CrossEntropy, Tag("cross_entropy")] | Annotated[OwnLoss, Tag(FACTORY_FORM)],
    Discriminator(form_of),
]


class NoClip(Section):
    name: Literal["none"] = "none"


class ClipNorm(Section):
    """Scale all gradients down together so that their 2-norm is at most ``limit``."""

    name: Literal["norm"] = "norm"
    limit: Positive = 1.0
    """The greatest 2-norm of all gradients together."""


class ClipValue(Section):
    """Clamp each gradient element to ±``limit``."""

    name: Literal["value"] = "value"
    limit: Positive = 0.01
    """The greatest size of an element."""


Clip = Annotated[NoClip | ClipNorm | ClipValue, Field(discriminator="name")]


class HostLoader(Section):
    """Images stay in the host's memory, are augmented one by one, and move on by batches."""

    name: Literal["host"] = "host"
    workers: Annotated[int, Field(ge=0, le=256)] = 0
    """Processes that prepare images, no more than there are processors.

    What they bring doesn't depend on how many there are.
    """
    pin_memory: bool = False
    """Keep batches in memory that a GPU can copy from by itself."""
    non_blocking: bool = False
    """Let copies to the GPU go on beside the computation."""


class DeviceLoader(Section):
    """The whole set lives on the device; augmentation works on whole batches there."""

    name: Literal["device"] = "device"


Loader = Annotated[HostLoader | DeviceLoader, Field(discriminator="name")]


class Split(Section):
    """Validation images are taken out of the training set, by the recipe's seed."""

    fraction: Annotated[float, Field(gt=0, lt=1)] = 0.1
    """The share of the training images that is held out."""


def _validation_tag(value: object) -> str:
    return "split" if isinstance(value, Mapping | Split) else "test"


Validation = Annotated[
    Annotated[Split, Tag("split")] | Annotated[Literal["test"], Tag("test")],
    Discriminator(_validation_tag),
]


class Data(Section):
    """The images, how they are split, batched, changed and brought to the device."""

    name: str = "digits"
    """The data set; for your own images ``folder``, ``parquet`` or ``package.module:factory``."""
    path: Annotated[str, Field(min_length=1)] | None = None
    """Where your own files lie: a folder, or one on an object store (``s3://…``).

    A relative path is looked for under the data folder.
    """
    channels: Literal[1, 3] = 3
    """What your own files are brought to: 3 for RGB, 1 for gray."""
    test_fraction: Annotated[float, Field(gt=0, lt=1)] | None = None
    """The share of each class of your own files that is kept for the test, whatever the seed; None:
    there is no test but that in a folder ``test``.
    """
    skip_broken: bool = False
    """Leave out files of your own that can't be decoded, and count them."""
    batch_size: Count = 64
    """Images that one update sees; ``accumulation`` splits it into micro-batches."""
    eval_batch_size: Count = 250
    """Images at once where nothing is learned."""
    eval_mirrored: bool = False
    """Evaluate by the mean logits of each image and of its mirror image."""
    train_images: Count | None = None
    """Use only so many training images (those for validation included), drawn by the seed; None:
    all.
    """
    test_images: Count | None = None
    """Use only so many test images; None: all. Own files are drawn, the same for every seed."""
    validation: Validation = Split()
    """A share of the training images, or ``test``: the test set is looked at after each epoch.

    With ``test`` all training images train; it is for published replicas only.
    """
    drop_last: bool = False
    """Leave out the last batch of an epoch where it is smaller."""
    normalize: Literal["dataset", "own", "imagenet", "none"] = "dataset"
    """By which mean and deviation per channel images are normalized.

    Those of the training images, of each set itself, ImageNet's, or none: values in [0, 1].
    """
    image_size: Annotated[int, Field(ge=4, le=1024)] | None = None
    """Resize to this many pixels a side (bicubic); None: as stored."""
    fit: Literal["stretch", "crop"] = "stretch"
    """How an image that is no square becomes one of ``image_size``.

    By stretching it, or by resizing its shorter side and cutting the middle out.
    """
    augment: Augment = NoAugment()
    """How training images are changed each time they are seen: one way, or a list of them."""
    loader: Loader = DeviceLoader()
    """Where the images lie and who prepares them."""

    def input_shape(self, stored: tuple[int, int, int]) -> tuple[int, int, int]:
        """Return the (C, H, W) that the network gets of images stored as ``stored``."""
        if self.image_size is None:
            return stored
        return stored[0], self.image_size, self.image_size

    @field_validator("name")
    @classmethod
    def known(cls, name: str) -> str:
        return checked_name(name, "data set", [*DATA_SETS, *FILE_SETS])

    @model_validator(mode="after")
    def has_files_or_none(self) -> Data:
        if self.name in FILE_SETS and self.path is None:
            raise rule("must be given, the path of your files", ["path"], found="nothing")
        if self.name in DATA_SETS:
            given = {
                "path": self.path,
                "test_fraction": self.test_fraction,
                "skip_broken": self.skip_broken or None,
            }
            for key, value in given.items():
                if value is not None:
                    must = f"must be left out with {self.name}: it is for files of your own"
                    raise rule(must, [key], found=describe(value), beside=["name"], on_key=True)
        return self

    @model_validator(mode="after")
    def has_a_size_to_fit(self) -> Data:
        if self.fit == "crop" and self.image_size is None:
            must = "must be given, the side of what is cut out, where fit is crop"
            raise rule(must, ["image_size"], found="nothing", beside=["fit"])
        return self

    @model_validator(mode="after")
    def mixed_last(self) -> Data:
        fault = order_fault(self.augment)
        if fault:
            index, name = fault
            must = "must stand behind what changes images one by one"
            raise rule(must, ["augment", index], found=describe(name))
        return self


class Ema(Section):
    """Evaluate by an exponential moving average of the weights, which is what is kept and exported.

    It begins with the first update's weights; statistics of batch norm are averaged like weights.
    """

    decay: Annotated[float, Field(gt=0, lt=1)] = 0.999
    """The share of the average that stays at each update."""


class Execution(Section):
    """How the same arithmetic is carried out."""

    mode: Literal["eager", "compile"] = "eager"
    """Step by step, or compiled by ``torch.compile`` first."""
    memory_format: Literal["contiguous", "channels_last"] = "contiguous"
    """How an image's numbers lie in memory: by channel, or by pixel."""
    deterministic: bool = False
    """Use only deterministic kernels, at the price of speed on a GPU.

    ``torch.use_deterministic_algorithms``.
    """


class Converge(Section):
    """Stop when the averaged change of the training loss per step turns positive: Knet's rule.

    The average is exponential, ``alpha`` the weight of the newest change.
    """

    alpha: Annotated[float, Field(gt=0, le=1)] = 0.1
    """The weight of the newest change in the average."""


class Target(Section):
    """Stop after the epoch at which ``metric`` is at least (a loss: at most) ``value``."""

    metric: Metric = "val_accuracy"
    """What is to reach the value."""
    value: float = 1.0
    """What is good enough."""


class Patience(Section):
    """Stop when ``metric`` has not become better by more than ``min_delta`` for so many epochs."""

    metric: Metric = "val_loss"
    """What must get better."""
    epochs: Count = 10
    """Epochs without a better value after which training stops."""
    min_delta: NonNegative = 0.0
    """By how much better is better."""
