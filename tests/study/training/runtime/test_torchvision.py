"""torchvision is there beside any torch."""

from __future__ import annotations

import subprocess
import sys

import torch

from study.training.runtime.torchvision import torchvision


def test_torchvision_and_what_stands_on_it_can_be_used() -> None:
    assert torchvision.models.resnet18(num_classes=3)(torch.zeros(2, 3, 32, 32)).shape == (2, 3)


def test_the_import_works_in_a_fresh_process_also_after_it_failed_once() -> None:
    code = (
        "import contextlib\n"
        "with contextlib.suppress(RuntimeError):\n"
        "    import torchvision\n"
        "from study.training.runtime.torchvision import torchvision\n"
        "import torchvision.datasets\n"
        "assert torchvision.datasets.CIFAR10\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)
