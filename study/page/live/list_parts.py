"""The parts of the list of studies: its rows."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from study.page.live.stream import Parts
from study.page.site import Site


def list_parts(site: Site) -> Parts:
    """Return every row of the list by its name."""
    rows = site.library.overview(0.0).rows
    return {row_name(row): row_html(site, row) for row in rows}


def row_html(site: Site, row: Mapping[str, Any]) -> str:
    """Return a row of the list."""
    return site.page("studies_row.html.j2", {"row": row, "row_name": row_name}).strip()


def row_name(row: Mapping[str, Any]) -> str:
    """Return what a row is known by on the page."""
    name = f"{row['label']}/{row['study']}"
    return f"row-{hashlib.sha256(name.encode()).hexdigest()[:12]}"
