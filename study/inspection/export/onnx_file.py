"""A trained network as ONNX (https://onnx.ai), for runtimes without Python or torch.

The file takes ``images`` of (N, C, H, W) in [0, 1] and gives ``scores`` of (N, classes), the
probabilities: what is done to an image before the network sees it, but for its size, is inside.
Needs the extra ``onnx``.
"""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from study.errors import UserError
from study.training.data.image_facts import ImageFacts
from study.training.models.factory import build_model
from study.training.recipe.recipe import Recipe

_OPSET = 18
"""The oldest that torch's exporter writes, so that old runtimes read it."""
_LARGEST_DIFFERENCE = 1e-3
"""Between two runtimes' probabilities: their arithmetic differs by rounding alone."""


def onnx_bytes(recipe: Recipe, facts: ImageFacts, weights: Mapping[str, Tensor]) -> bytes:
    """Return the ONNX file of a recipe's network with these weights.

    Raises UserError where the extra isn't installed, a user's factory doesn't work, or the network
    has something in it that ONNX can't express or computes otherwise.
    """
    _check_installed()
    classifier = _Classifier(recipe, facts)
    classifier.network.load_state_dict(weights)
    classifier.eval()
    shape = recipe.data.input_shape(facts.shape)
    images = torch.rand(2, *shape, generator=torch.Generator().manual_seed(0))
    try:
        content = _converted(classifier, images)
    except Exception as error:  # torch's exporter fails in many ways
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise UserError(f"{recipe.model.name} can't be written as ONNX: {reason:.300}") from error
    _check_same(content, classifier, images[:1], recipe.model.name)
    return content


def _check_installed() -> None:
    try:
        import onnxruntime  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError:
        raise UserError("ONNX is not installed: pip install 'ray-study[onnx]'") from None


class _Classifier(nn.Module):
    """From images in [0, 1] to probabilities."""

    mean: Tensor
    std: Tensor

    def __init__(self, recipe: Recipe, facts: ImageFacts) -> None:
        super().__init__()
        shape = recipe.data.input_shape(facts.shape)
        blank = recipe.model.model_copy(update={"pretrained": False})
        self.network = build_model(blank, shape, len(facts.class_names))
        self.register_buffer("mean", torch.tensor(facts.mean).view(-1, 1, 1))
        self.register_buffer("std", torch.tensor(facts.std).view(-1, 1, 1))
        self._is_mirrored = recipe.data.eval_mirrored
        self._has_softmax = recipe.model.softmax

    def forward(self, images: Tensor) -> Tensor:
        normalized = (images - self.mean) / self.std  # (N, C, H, W)
        scores: Tensor = self.network(normalized)  # (N, classes)
        if self._is_mirrored:
            scores = (scores + self.network(normalized.flip(3))) / 2
        return scores if self._has_softmax else scores.softmax(1)


def _converted(classifier: nn.Module, images: Tensor) -> bytes:
    """Return the file that torch's exporter makes of a network, for any number of images."""
    from torch.export import Dim

    said = io.StringIO()
    with warnings.catch_warnings(), contextlib.redirect_stdout(said):
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            classifier,
            (images,),
            input_names=["images"],
            output_names=["scores"],
            opset_version=_OPSET,
            dynamo=True,
            dynamic_shapes={"images": {0: Dim("images")}},
            verbose=False,
        )
    assert program is not None
    return bytes(program.model_proto.SerializeToString())


def _check_same(content: bytes, classifier: nn.Module, images: Tensor, name: str) -> None:
    """Raise UserError where the file gives other probabilities than the network."""
    import onnxruntime

    session = onnxruntime.InferenceSession(content)
    found = torch.from_numpy(session.run(["scores"], {"images": images.numpy()})[0])
    with torch.no_grad():
        difference = float((classifier(images) - found).abs().max())
    if not difference <= _LARGEST_DIFFERENCE:
        raise UserError(
            f"{name} can't be written as ONNX: its probabilities would differ by {difference:.2g}"
        )
