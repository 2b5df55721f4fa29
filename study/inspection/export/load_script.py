"""The scripts of an exported folder that classify an image file: ``load.py`` by torch, and
``load_onnx.py`` by ONNX Runtime. Neither needs this project.
"""

from __future__ import annotations

PICTURE_MODES = {1: "L", 3: "RGB", 4: "RGBA"}
"""How Pillow calls pictures with so many channels."""

_SCRIPT = '''\
"""Says what a picture shows: python load.py PICTURE. Needs torch, safetensors and pillow."""

import json
import sys
from pathlib import Path

import torch
from model import build
from PIL import Image, ImageOps
from safetensors.torch import load_file
from torch.nn.functional import interpolate

FOLDER = Path(__file__).resolve().parent
FACTS = json.loads((FOLDER / "model.json").read_text())

network = build()
network.load_state_dict(load_file(FOLDER / "weights.safetensors"))
network.eval()


def prepare(file):
    """Make of an image file what the network was trained on: (1, C, H, W), normalized."""
    picture = ImageOps.exif_transpose(Image.open(file)).convert(FACTS["mode"])
    pixels = torch.frombuffer(bytearray(picture.tobytes()), dtype=torch.uint8)
    images = pixels.view(1, picture.height, picture.width, -1).permute(0, 3, 1, 2) / 255
{resize}
    mean, std = (torch.tensor(FACTS[name]).view(-1, 1, 1) for name in ("mean", "std"))
    return (images - mean) / std


@torch.no_grad()
def classify(file):
    """Give each class its probability, the likeliest first."""
    images = prepare(file)
    scores = {scores}
    return sorted(zip(scores[0].tolist(), FACTS["classes"]), reverse=True)


if __name__ == "__main__":
    for score, name in classify(sys.argv[1])[:5]:
        print(f"{score:.4f}  {name}")
'''

_ONNX_SCRIPT = '''\
"""Says what a picture shows: python load_onnx.py PICTURE. Needs onnxruntime, numpy and pillow."""

import json
import sys
from pathlib import Path

import numpy
import onnxruntime
from PIL import Image, ImageOps

FOLDER = Path(__file__).resolve().parent
FACTS = json.loads((FOLDER / "model.json").read_text())

session = onnxruntime.InferenceSession(FOLDER / "model.onnx")


def prepare(file):
    """Make of an image file what model.onnx takes: (1, C, H, W) in [0, 1]; it normalizes itself."""
    height, width = FACTS["size"]
    picture = ImageOps.exif_transpose(Image.open(file)).convert(FACTS["mode"])
{resize}
    pixels = numpy.asarray(picture, numpy.float32).reshape(1, height, width, -1)
    return pixels.transpose(0, 3, 1, 2) / 255


def classify(file):
    """Give each class its probability, the likeliest first."""
    scores = session.run(["scores"], {"images": prepare(file)})[0]
    return sorted(zip(scores[0].tolist(), FACTS["classes"]), reverse=True)


if __name__ == "__main__":
    for score, name in classify(sys.argv[1])[:5]:
        print(f"{score:.4f}  {name}")
'''


_RESIZE = {
    "stretch": """\
    images = interpolate(images, FACTS["size"], mode="bicubic", antialias=True).clamp(0, 1)""",
    "crop": """\
    side, shorter = FACTS["size"][0], min(picture.size)
    sides = [int(side * length / shorter) for length in (picture.height, picture.width)]
    images = interpolate(images, sides, mode="bicubic", antialias=True).clamp(0, 1)
    top, left = (round((length - side) / 2) for length in sides)
    images = images[:, :, top : top + side, left : left + side]""",
}
"""How ``load.py`` makes an image as large as the network takes it, by the recipe's ``data.fit``."""
_RESIZE_ONNX = {
    "stretch": """\
    picture = picture.resize((width, height), Image.BICUBIC)""",
    "crop": """\
    shorter = min(picture.size)
    sides = [int(width * length / shorter) for length in picture.size]
    picture = picture.resize(sides, Image.BICUBIC)
    left, top = (round((length - width) / 2) for length in sides)
    picture = picture.crop((left, top, left + width, top + height))""",
}


def load_script(*, softmax_inside: bool, mirrored: bool, fit: str) -> str:
    """Return ``load.py`` for a network with or without a softmax of its own, which may have been
    evaluated by the mean over each image and its mirror image; ``fit`` is that of its images.
    """
    scores = "network(images)"
    if mirrored:
        scores = f"({scores} + network(images.flip(3))) / 2"
    if not softmax_inside:
        scores = f"({scores}).softmax(1)" if mirrored else f"{scores}.softmax(1)"
    return _SCRIPT.replace("{resize}", _RESIZE[fit], 1).replace("{scores}", scores, 1)


def onnx_script(fit: str) -> str:
    """Return ``load_onnx.py`` for images of that fit."""
    return _ONNX_SCRIPT.replace("{resize}", _RESIZE_ONNX[fit], 1)
