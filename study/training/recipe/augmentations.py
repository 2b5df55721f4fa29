"""What a recipe may say of how training images are changed: an augmentation, or a list of them.

Those that change whole batches stand at the end of a list. No torch here.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from study.training.recipe.numbers import NonNegative, Positive, Share
from study.validation.section import FACTORY_FORM, ListOrOne, OwnPart, Section, form_of, rule


class NoAugment(Section):
    name: Literal["none"] = "none"


class Flip(Section):
    """Mirror half of the images."""

    name: Literal["flip"] = "flip"


class CropFlip(Section):
    """Mirror half of the images, pad by ``pad`` pixels and crop at random to the old size."""

    name: Literal["crop_flip"] = "crop_flip"
    pad: Annotated[int, Field(ge=1, le=64)] = 4
    """Pixels added on each side."""
    fill: Literal["zero", "reflect"] = "zero"
    """What they show: black, or the image mirrored."""


class Shift(Section):
    """Move by up to ``pad`` pixels, never mirrored: for digits."""

    name: Literal["shift"] = "shift"
    pad: Annotated[int, Field(ge=1, le=64)] = 1
    """The most pixels that an image is moved by."""


class CropFlipCutout(Section):
    """``crop_flip``, then a square of ``size`` pixels blanked (arXiv:1708.04552)."""

    name: Literal["crop_flip_cutout"] = "crop_flip_cutout"
    pad: Annotated[int, Field(ge=1, le=64)] = 4
    """Pixels added on each side."""
    fill: Literal["zero", "reflect"] = "zero"
    """What they show: black, or the image mirrored."""
    size: Annotated[int, Field(ge=1, le=512)] = 8
    """The square's side in pixels."""


class AffineFlip(Section):
    """A small random rotation, translation, scaling and shear, then mirror half of the images."""

    name: Literal["affine_flip"] = "affine_flip"
    degrees: NonNegative = 2.0
    """The greatest rotation."""
    translate: Share = 0.02
    """The greatest shift, as a share of the side."""
    scale: Share = 0.02
    """The greatest change of size, as a share."""
    shear: NonNegative = 2.0
    """The greatest shear in degrees."""


class RandomBox(Section):
    """What the augmentations with a random box have in common."""

    scale_min: Annotated[float, Field(gt=0, le=1)]
    """The least share of the image's area."""
    scale_max: Annotated[float, Field(gt=0, le=1)]
    """The greatest share of the image's area."""
    ratio_min: Positive
    """The least ratio of its sides."""
    ratio_max: Positive
    """The greatest ratio of its sides."""

    @model_validator(mode="after")
    def ordered(self) -> RandomBox:
        for quantity in ("scale", "ratio"):
            least, greatest = f"{quantity}_min", f"{quantity}_max"
            if getattr(self, least) > getattr(self, greatest):
                must = f"must be at most {greatest}, which is {getattr(self, greatest):g}"
                raise rule(must, [least], beside=[greatest])
        return self


class RandomResizedCrop(RandomBox):
    """Cut a box of random area and shape out and resize it to the image's size.

    arXiv:1409.4842, as torchvision's v2 has it; as the first of all it is cut out of the image as
    stored, before ``image_size``.
    """

    name: Literal["random_resized_crop"] = "random_resized_crop"
    scale_min: Annotated[float, Field(gt=0, le=1)] = 0.08
    """The least share of the image's area."""
    scale_max: Annotated[float, Field(gt=0, le=1)] = 1.0
    """The greatest share of the image's area."""
    ratio_min: Positive = 0.75
    """The least ratio of width to height."""
    ratio_max: Positive = 4 / 3
    """The greatest ratio of width to height."""


class RandAugment(Section):
    """``operations`` drawn out of 14, one after the other, all at one ``magnitude``.

    arXiv:1909.13719, as torchvision's v2 has it.
    """

    name: Literal["randaugment"] = "randaugment"
    operations: Annotated[int, Field(ge=1, le=14)] = 2
    """How many are done to each image."""
    magnitude: Annotated[int, Field(ge=0, le=30)] = 9
    """How strong they are, out of 30."""


class TrivialAugment(Section):
    """One operation out of 14 for each image, its strength drawn as well.

    arXiv:2103.10158, the wide form, as torchvision's v2 has it.
    """

    name: Literal["trivialaugment"] = "trivialaugment"


class RandomErasing(RandomBox):
    """Make a box of random area and shape black, in a share of the images (arXiv:1708.04896)."""

    name: Literal["random_erasing"] = "random_erasing"
    probability: Annotated[float, Field(ge=0, le=1)] = 0.5
    """The share of the images that it is done to."""
    scale_min: Annotated[float, Field(gt=0, le=1)] = 0.02
    """The least share of the image's area."""
    scale_max: Annotated[float, Field(gt=0, le=1)] = 0.33
    """The greatest share of the image's area."""
    ratio_min: Positive = 0.3
    """The least ratio of height to width."""
    ratio_max: Positive = 3.3
    """The greatest ratio of height to width."""


class MixUp(Section):
    """Add to each image of a batch a share of the one before it, to its label the same share.

    arXiv:1710.09412. Beside ``cutmix``, each batch takes one of the two.
    """

    name: Literal["mixup"] = "mixup"
    alpha: Positive = 1.0
    """Shape of the beta distribution of the share: the smaller, the less is mixed."""


class CutMix(Section):
    """Put into each image of a batch a box of the one before it, into its label that box's share.

    arXiv:1905.04899. Beside ``mixup``, each batch takes one of the two.
    """

    name: Literal["cutmix"] = "cutmix"
    alpha: Positive = 1.0
    """Shape of the beta distribution of the share: the smaller, the less is mixed."""


class OwnAugment(OwnPart):
    """One of your own: ``function(images, labels, generator, **options)`` returns both, changed.

    It sees whole batches, normalized, on the device.
    """


OneAugment = Annotated[
    Annotated[NoAugment, Tag("none")]
    | Annotated[Flip, Tag("flip")]
    | Annotated[CropFlip, Tag("crop_flip")]
    | Annotated[Shift, Tag("shift")]
    | Annotated[CropFlipCutout, Tag("crop_flip_cutout")]
    | Annotated[AffineFlip, Tag("affine_flip")]
    | Annotated[RandomResizedCrop, Tag("random_resized_crop")]
    | Annotated[RandAugment, Tag("randaugment")]
    | Annotated[TrivialAugment, Tag("trivialaugment")]
    | Annotated[RandomErasing, Tag("random_erasing")]
    | Annotated[MixUp, Tag("mixup")]
    | Annotated[CutMix, Tag("cutmix")]
    | Annotated[OwnAugment, Tag(FACTORY_FORM)],
    Discriminator(form_of),
]
Augment = Annotated[OneAugment | tuple[OneAugment, ...], ListOrOne(most=16)]


OfBatches = MixUp | CutMix | OwnAugment
"""What changes whole batches, labels as well."""


def augmentations(written: Augment) -> tuple[OneAugment, ...]:
    """Return the augmentations of single images, in the order in which they are done."""
    return tuple(each for each in _all(written) if not isinstance(each, NoAugment | OfBatches))


def of_batches(written: Augment) -> tuple[OfBatches, ...]:
    """Return those that change whole batches, in their order."""
    return tuple(each for each in _all(written) if isinstance(each, OfBatches))


def order_fault(written: Augment) -> tuple[int, str] | None:
    """Return which entry of a list changes batches before another changes images, and its name.

    None if none does.
    """
    every = _all(written)
    for index, (one, following) in enumerate(pairwise(every)):
        if isinstance(one, OfBatches) and not isinstance(following, OfBatches):
            return index, one.name
    return None


def _all(written: Augment) -> tuple[OneAugment, ...]:
    return written if isinstance(written, tuple) else (written,)
