"""Pretrained weights: torchvision's download or a local file, everything but the classifier.

A file is read without unpickling anything but tensors.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from study.errors import DataMissing
from study.training.recipe.model import ModelSpec
from study.training.runtime.torchvision import torchvision

State = dict[str, Tensor]

_ENUMS = {"efficientnet_b0": "EfficientNet_B0_Weights", "vit_b_16": "ViT_B_16_Weights"}
_CLASSIFIERS = {"efficientnet_b0": "classifier.", "vit_b_16": "heads."}
_SUFFIXES = (".pt", ".pth", ".safetensors")


def load(network: nn.Module, model: ModelSpec) -> None:
    """Fill ``network`` with the weights that ``model`` asks for; its classifier keeps its start."""
    state = _read(Path(model.weights)) if model.weights else _download(model.name)
    if model.name == "vit_b_16":
        state = _at_image_size(state, network)
    own = network.state_dict()
    kept = {key: tensor for key, tensor in own.items() if key.startswith(_CLASSIFIERS[model.name])}
    wanted = {key: tensor.shape for key, tensor in own.items() if key not in kept}
    found = {
        key: tensor.shape
        for key, tensor in state.items()
        if not key.startswith(_CLASSIFIERS[model.name])
    }
    differing = sorted(
        key for key in wanted.keys() | found.keys() if wanted.get(key) != found.get(key)
    )
    if differing:
        raise DataMissing(
            f"pretrained weights of {model.name} must be the tensors that torchvision's"
            f" {model.name} has; found {len(differing)} of {len(wanted)} missing, unknown or of"
            f" another shape, the first {differing[0]!r}, in {model.weights or 'the download'}"
        )
    network.load_state_dict({key: state[key] for key in found} | kept)


def _download(name: str) -> State:
    """torchvision's ImageNet weights, checked against their hash, from torch's cache or the
    network.
    """
    weights = getattr(torchvision.models, _ENUMS[name]).IMAGENET1K_V1
    try:
        state: State = weights.get_state_dict(progress=False, check_hash=True)
    except (
        OSError,
        RuntimeError,
    ) as error:  # URLError is an OSError; a wrong hash is a RuntimeError
        cached = Path(torch.hub.get_dir()) / "checkpoints" / Path(weights.url).name
        raise DataMissing(
            f"pretrained weights of {name} can't be had: {cached} is absent and {weights.url} can't"
            f" be downloaded ({' '.join(str(error).split())}); put the file there, name one in"
            " model.weights, or set model.pretrained=false"
        ) from error
    return state


def _read(file: Path) -> State:
    """The tensors of a local file by name."""
    if not file.is_file():
        raise DataMissing(f"model.weights must name a file; found none at {file}")
    if file.suffix not in _SUFFIXES:
        raise DataMissing(f"model.weights must end in {', '.join(_SUFFIXES)}; found {file}")
    try:
        state = _tensors_in(file)
    except Exception as error:  # whatever the two libraries make of a damaged file
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise DataMissing(
            f"model.weights must hold nothing but tensors by name; found {file}: {reason}"
        ) from error
    if not isinstance(state, dict) or not all(
        isinstance(tensor, Tensor) for tensor in state.values()
    ):
        raise DataMissing(
            f"model.weights must hold a mapping of names to tensors; found another object in {file}"
        )
    return state


def _tensors_in(file: Path) -> Any:
    if file.suffix == ".safetensors":
        from safetensors.torch import load_file

        return load_file(file)
    return torch.load(file, map_location="cpu", weights_only=True)


def _at_image_size(state: State, network: nn.Module) -> State:
    """The weights with their position embedding resized to the image side of ``network``."""
    if "encoder.pos_embedding" not in state:
        return state
    side: Any = network.image_size
    fitted: State = torchvision.models.vision_transformer.interpolate_embeddings(
        side, 16, dict(state)
    )
    return fitted
