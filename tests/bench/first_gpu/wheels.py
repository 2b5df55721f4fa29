"""What ``make gpu`` needs beside torch, for a machine without a network.

    python -m tests.bench.first_gpu.wheels collect [--python 3.12] [--there FILE]
    python -m tests.bench.first_gpu.wheels install

``collect`` runs where there is a network and fills ``first_gpu_wheels``; ``install`` runs on the
machine with the GPU, and makes of it an environment of its own, ``.first_gpu``, that finds all that
the interpreter finds which runs it, its torch above all. Nothing of torch travels, and what is
there is only looked at. Python alone is needed for either, with pip.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import tomllib
import venv
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

PROJECT = Path(__file__).parents[3] / "pyproject.toml"
WHEELS = Path("first_gpu_wheels")
ENVIRONMENT = Path(".first_gpu")
_THERE = {"torch": "2.11.0+there", "torchvision": "0.26.0+there"}
"""What isn't carried, nor what it needs; others that need it are."""
_FIRST = ("pydantic", "ruamel-yaml", "psutil", "nvidia-ml-py", "scikit-learn")
"""What trainings need: with these alone the parts run that come first."""
_PURE = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
_PLATFORMS = (
    *(f"manylinux_2_{number}_x86_64" for number in (34, 31, 28, 27, 24, 17, 12)),
    *("manylinux2014_x86_64", "manylinux2010_x86_64", "manylinux1_x86_64", "linux_x86_64"),
)


def main(words: Sequence[str] | None = None) -> int:
    """Collect or install, as the command says."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.first_gpu.wheels")
    parser.add_argument("what", choices=("collect", "install"))
    parser.add_argument("--python", default="3.12", help="the other machine's (3.12)")
    parser.add_argument("--there", type=Path, help="its `pip list --format=freeze`, to leave out")
    given = parser.parse_args(words)
    if given.what == "install":
        return install(WHEELS, ENVIRONMENT)
    return collect(WHEELS, given.python, _names_in(given.there))


def groups() -> list[list[str]]:
    """Return the project's requirements without torch's, those that trainings need apart."""
    project = tomllib.loads(PROJECT.read_text())["project"]
    wanted = [text for text in project["dependencies"] if _name(text) not in _THERE]
    first = [text for text in wanted if _name(text) in _FIRST]
    return [first, [text for text in wanted if text not in first]]


def collect(folder: Path, python: str, there: frozenset[str] = frozenset()) -> int:
    """Download the wheels for Linux on x86-64; return pip's exit code."""
    command = ["download", "--quiet", "--only-binary=:all:", "--implementation", "cp"]
    command += ["--python-version", python, "--dest", str(folder)]
    for platform in _PLATFORMS:
        command += ["--platform", platform]
    with tempfile.TemporaryDirectory() as stand_ins:
        command += ["--find-links", stand_ins]
        for name, version in _THERE.items():
            _write_empty_wheel(Path(stand_ins), name, version)
            command.append(f"{name}=={version}")
        failed = _pip(*command, *(text for group in groups() for text in group))
    wheels = sorted(folder.glob("*.whl"))
    for wheel in wheels:
        if _name(wheel.name.partition("-")[0]) in there.union(_THERE):
            wheel.unlink()
    kept = [wheel for wheel in wheels if wheel.exists()]
    size = sum(wheel.stat().st_size for wheel in kept)
    print(f"{len(kept)} wheels, {size / 2**20:.0f} MiB, in {folder}")
    return failed


def _write_empty_wheel(folder: Path, name: str, version: str) -> None:
    """Write a package of nothing, for pip to take in place of the one that is there."""
    about = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
        wheel.writestr(
            f"{about}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        )
        wheel.writestr(f"{about}/WHEEL", _PURE)
        wheel.writestr(f"{about}/RECORD", "")


def install(folder: Path, environment: Path) -> int:
    """Make the environment; return 0 where all that trainings need is in it.

    What can't be installed is told: the parts that want it say so again, the others run.
    """
    venv.EnvBuilder(system_site_packages=True, with_pip=False).create(environment)
    python = environment / "bin" / "python"
    (own_packages,) = environment.glob("lib/python*/site-packages")
    # of an interpreter that is an environment's itself, the new one would only see the parent
    (own_packages / "those_there.pth").write_text("".join(f"{path}\n" for path in _packages()))
    failures = []
    for group in groups():
        command = ["--isolated", "--python", str(python), "install", "--quiet", "--no-index"]
        command += ["--find-links", str(folder.resolve())]
        failed = _pip(*command, *group)
        if failed:  # then as much of it as can be
            failed = sum(_pip(*command, text) for text in group)
        failures.append(failed)
    print(f"{environment}: {'made' if not any(failures) else 'made, with something lacking'}")
    return int(failures[0] > 0)


def _packages() -> Iterator[str]:
    """Yield the folders in which this interpreter finds installed packages."""
    for path in sys.path:
        if Path(path).name in ("site-packages", "dist-packages"):
            yield path


def _names_in(listing: Path | None) -> frozenset[str]:
    """Return the packages that a ``pip list --format=freeze`` names."""
    if listing is None:
        return frozenset()
    return frozenset(_name(line) for line in listing.read_text().split())


def _name(requirement: str) -> str:
    """Return a requirement's package, by its normalized name (PEP 503)."""
    package = re.split(r"[\[<>=!~; ]", requirement, maxsplit=1)[0]
    return re.sub(r"[-_.]+", "-", package).lower()


def _pip(*words: str) -> int:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *words]
    return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
