"""Pretrained ImageNet weights, all but the classifier: torchvision's or from a local file.

A file is read without unpickling anything but tensors.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeGuard

import torch
from torch import Tensor, nn

from study.errors import DataMissing
from study.training.recipe.model import ModelSpec
from study.training.runtime.torchvision import torchvision

_Weights = dict[str, Tensor]
"""Tensors by the names of a network's parameters and buffers."""

_TORCHVISION_WEIGHTS = {
    "efficientnet_b0": "EfficientNet_B0_Weights",
    "vit_b_16": "ViT_B_16_Weights",
}
_CLASSIFIER_PREFIXES = {"efficientnet_b0": "classifier.", "vit_b_16": "heads."}
_SUFFIXES = (".pt", ".pth", ".safetensors")


def load_pretrained(network: nn.Module, model: ModelSpec) -> None:
    """Fill ``network`` with pretrained weights; its classifier keeps its random initialization.

    Raises DataMissing where they can't be had or are those of another network.
    """
    weights = _read_file(Path(model.weights)) if model.weights else _download(model.name)
    if model.name == "vit_b_16":
        weights = _resize_position_embedding(weights, network)

    prefix = _CLASSIFIER_PREFIXES[model.name]
    own = network.state_dict()
    classifier = {name: tensor for name, tensor in own.items() if name.startswith(prefix)}
    expected = {name: tensor.shape for name, tensor in own.items() if name not in classifier}
    found = {name: tensor.shape for name, tensor in weights.items() if not name.startswith(prefix)}
    names = sorted(expected.keys() | found.keys())
    differing = [name for name in names if expected.get(name) != found.get(name)]
    if differing:
        raise DataMissing(
            f"pretrained weights of {model.name} must be the tensors that torchvision's"
            f" {model.name} has; found {len(differing)} of {len(expected)} missing, unknown or of"
            f" another shape, the first {differing[0]!r}, in {model.weights or 'the download'}"
        )
    network.load_state_dict({name: weights[name] for name in found} | classifier)


def _download(name: str) -> _Weights:
    """Load torchvision's weights from torch's cache or the network, checked against their hash."""
    source = getattr(torchvision.models, _TORCHVISION_WEIGHTS[name]).IMAGENET1K_V1
    try:
        weights: _Weights = source.get_state_dict(progress=False, check_hash=True)
    except (OSError, RuntimeError) as error:  # a URLError is an OSError, a wrong hash the other
        cached = Path(torch.hub.get_dir()) / "checkpoints" / Path(source.url).name
        raise DataMissing(
            f"pretrained weights of {name} can't be had: {cached} is absent and {source.url} can't"
            f" be downloaded ({' '.join(str(error).split())}); put the file there, name one in"
            " model.weights, or set model.pretrained=false"
        ) from error
    return weights


def _read_file(file: Path) -> _Weights:
    """Read a local file of tensors by name; anything else in it is refused with DataMissing."""
    if not file.is_file():
        raise DataMissing(f"model.weights must name a file; found none at {file}")
    if file.suffix not in _SUFFIXES:
        raise DataMissing(f"model.weights must end in {', '.join(_SUFFIXES)}; found {file}")
    try:
        content = _read_tensors(file)
    except Exception as error:  # whatever the two libraries make of a damaged file
        lines = str(error).strip().splitlines()
        reason = lines[0] if lines else type(error).__name__
        raise DataMissing(
            f"model.weights must hold nothing but tensors by name; found {file}: {reason}"
        ) from error
    if not _is_weights(content):
        raise DataMissing(
            f"model.weights must hold a mapping of names to tensors; found another object in {file}"
        )
    return content


def _is_weights(content: object) -> TypeGuard[_Weights]:
    if not isinstance(content, dict):
        return False
    return all(isinstance(value, Tensor) for value in content.values())


def _read_tensors(file: Path) -> Any:
    if file.suffix == ".safetensors":
        from safetensors.torch import load_file

        return load_file(file)
    return torch.load(file, map_location="cpu", weights_only=True)


def _resize_position_embedding(weights: _Weights, network: nn.Module) -> _Weights:
    """Return the weights with their position embedding resized to the image side of ``network``."""
    if "encoder.pos_embedding" not in weights:
        return weights
    side: Any = network.image_size
    resized: _Weights = torchvision.models.vision_transformer.interpolate_embeddings(
        side, 16, dict(weights)
    )
    return resized
