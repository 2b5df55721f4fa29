"""The style sheets and scripts of the page, none of which comes from elsewhere."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import NamedTuple

from analysis.report.templates import REPORT_TEMPLATES

_FOLDER = Path(__file__).parent / "static"
_TYPES = {".css": "text/css", ".js": "text/javascript"}


class Asset(NamedTuple):
    """A file as it is sent."""

    content: bytes
    content_type: str
    version: str


class Assets:
    """The files, read once; no path of a request leads to any other."""

    def __init__(self) -> None:
        files = [REPORT_TEMPLATES / "report.css", *sorted(_FOLDER.iterdir())]
        self._by_name = {file.name: _read(file) for file in files if file.suffix in _TYPES}

    def get(self, name: str) -> Asset | None:
        """Return a file; None where there is none of that name."""
        return self._by_name.get(name)

    def version(self, name: str) -> str:
        """Return what stands in a file's address, so that a browser keeps it until it changes."""
        return self._by_name[name].version


def _read(file: Path) -> Asset:
    content = file.read_bytes()
    return Asset(content, _TYPES[file.suffix], hashlib.sha256(content).hexdigest()[:12])
