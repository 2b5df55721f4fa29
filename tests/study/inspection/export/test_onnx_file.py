"""ONNX says the same as the network, in a runtime without torch."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from study.errors import UserError

from .exported import expected_scores, export_untrained

WITHOUT_TORCH = """
import runpy, sys
sys.modules["torch"] = sys.modules["study"] = None
sys.argv = ["load_onnx.py", "picture.png"]
runpy.run_path("load_onnx.py", run_name="__main__")
"""


@pytest.mark.parametrize("model", [{"name": "small_cnn"}, {"name": "mlp", "softmax": True}])
def test_onnx_runtime_says_the_same_without_torch(tmp_path: Path, model: dict[str, object]) -> None:
    home = export_untrained(tmp_path, model, onnx=True, eval_mirrored=True)
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH],
        capture_output=True,
        text=True,
        cwd=home,
    )
    assert done.returncode == 0, done.stderr
    lines = [line.split() for line in done.stdout.splitlines()]
    found = {name: float(score) for score, name in lines}
    assert found == pytest.approx(expected_scores(home), abs=2e-4)
    assert list(found.values()) == sorted(found.values(), reverse=True)


def test_any_number_of_images_can_be_given_at_once(tmp_path: Path) -> None:
    import numpy as np
    import onnxruntime

    home = export_untrained(tmp_path, {"name": "small_cnn"}, onnx=True)
    session = onnxruntime.InferenceSession(home / "model.onnx")
    images = np.random.default_rng(0).random((5, 3, 24, 24), np.float32)
    assert session.run(["scores"], {"images": images})[0].shape == (5, 3)


def test_without_the_extra_it_is_said_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(UserError, match=r"pip install 'ray-study\[onnx\]'"):
        export_untrained(tmp_path, {"name": "small_cnn"}, onnx=True)


def test_a_network_that_cannot_be_converted_is_a_mistake_of_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "branching.py").write_text(
        "from torch import nn\n"
        "class Net(nn.Sequential):\n"
        "    def __init__(self, image_shape, classes):\n"
        "        super().__init__(nn.Flatten(), nn.Linear(3 * 24 * 24, classes))\n"
        "    def forward(self, images):\n"
        "        return super().forward(images) if images.sum().item() > 0 else images\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(UserError, match="branching:Net can't be written as ONNX: ") as fault:
        export_untrained(tmp_path, {"name": "branching:Net"}, onnx=True)
    assert "\n" not in str(fault.value)
