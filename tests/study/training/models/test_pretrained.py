"""Pretrained weights come from a local file or torchvision's download, or it is said why not."""

from __future__ import annotations

import urllib.error
from pathlib import Path
from typing import NoReturn

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from study.errors import DataMissing
from study.training.models.factory import build_model
from study.training.recipe.model import ModelSpec
from study.training.runtime.torchvision import torchvision

SHAPE = (3, 32, 32)


def made(
    weights: Path | None = None, classes: int = 10, name: str = "efficientnet_b0"
) -> nn.Module:
    spec = {"name": name, "pretrained": True, "weights": str(weights) if weights else None}
    return build_model(ModelSpec.model_validate(spec), SHAPE, classes)


@pytest.fixture(scope="module")
def state() -> dict[str, torch.Tensor]:
    torch.manual_seed(1)
    state: dict[str, torch.Tensor] = torchvision.models.efficientnet_b0().state_dict()
    return state


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_a_local_file_fills_everything_but_the_classifier(
    suffix: str, state: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    file = tmp_path / f"weights{suffix}"
    if suffix == ".pt":
        torch.save(state, file)
    else:
        save_file(state, file)
    network = made(file)
    own = network.state_dict()
    assert all(
        torch.equal(own[key], state[key]) for key in own if not key.startswith("classifier.")
    )
    assert own["classifier.1.weight"].shape == (10, 1280)


def test_vit_resizes_its_position_embedding_to_the_images(tmp_path: Path) -> None:
    with torch.device("meta"):
        shapes = {
            key: tensor.shape for key, tensor in torchvision.models.vit_b_16().state_dict().items()
        }
    file = tmp_path / "vit.safetensors"
    save_file({key: torch.zeros(shape) for key, shape in shapes.items()}, file)
    network = made(file, name="vit_b_16")
    assert network.get_parameter("encoder.pos_embedding").shape == (1, 1 + 2 * 2, 768)


def test_other_tensors_are_refused_by_name(state: dict[str, torch.Tensor], tmp_path: Path) -> None:
    file = tmp_path / "weights.pt"
    torch.save({key: tensor for key, tensor in state.items() if key != "features.0.0.weight"}, file)
    with pytest.raises(DataMissing, match=r"found 1 of \d+ missing.*'features.0.0.weight'"):
        made(file)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("absent.pt", None, "must name a file"),
        ("weights.bin", b"", "must end in"),
        ("damaged.pt", b"not a checkpoint", "nothing but tensors by name"),
        ("damaged.safetensors", b"\xff" * 16, "nothing but tensors by name"),
    ],
)
def test_a_file_that_is_none_of_these_is_refused(
    name: str, content: bytes | None, message: str, tmp_path: Path
) -> None:
    file = tmp_path / name
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(DataMissing, match=message):
        made(file)


def test_a_pickled_object_is_never_made(tmp_path: Path) -> None:
    file = tmp_path / "weights.pt"
    torch.save({"features": Path("x")}, file)
    with pytest.raises(DataMissing, match="nothing but tensors by name"):
        made(file)


def test_without_a_network_the_message_says_where_to_put_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def refuse(*args: object, **kwargs: object) -> NoReturn:
        raise urllib.error.URLError("no route to host")

    monkeypatch.setattr(torch.hub, "download_url_to_file", refuse)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(
        DataMissing,
        match=r"efficientnet_b0 can't be had: .*checkpoints.*no route to host.*model\.weights",
    ):
        made()


def test_nothing_is_loaded_on_the_meta_device() -> None:
    with torch.device("meta"):
        assert next(made().parameters()).is_meta
