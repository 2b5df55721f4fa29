"""What is done to an image on its way to a trained network, and what the network's classes are.

Each checkpoint holds it, so that weights can be used where the images that trained them are not.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Self

from study.errors import UserError
from study.files.visible_text import visible
from study.training.data.datasets import DataSet
from study.training.data.normalize import Normalization


@dataclass(frozen=True)
class ImageFacts:
    """The images of a training, as one that is classified later on has to be like them."""

    shape: tuple[int, int, int]
    """Channels, height and width as they were stored, before ``data.image_size``."""
    mean: tuple[float, ...]
    """Of each channel of the training images in [0, 1], or one for all."""
    std: tuple[float, ...]
    class_names: tuple[str, ...]

    @classmethod
    def of(cls, data: DataSet, normalization: Normalization) -> Self:
        """Return the facts of a data set and of the normalization of its training images."""
        return cls(
            shape=data.image_shape,
            mean=tuple(normalization.mean.flatten().tolist()),
            std=tuple(normalization.std.flatten().tolist()),
            class_names=tuple(data.names),
        )

    def to_state(self) -> dict[str, Any]:
        """Return the facts as plain data, for a checkpoint."""
        return asdict(self)

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """Return the facts that a checkpoint holds.

        It may be a stranger's: UserError where they are no such facts.
        """
        try:
            channels, height, width = state["shape"]
            return cls(
                shape=(int(channels), int(height), int(width)),
                mean=tuple(float(value) for value in state["mean"]),
                std=tuple(float(value) for value in state["std"]),
                class_names=tuple(visible(str(name)) for name in state["class_names"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise UserError(
                f"the checkpoint says nothing sensible of its images: {error}"
            ) from None
