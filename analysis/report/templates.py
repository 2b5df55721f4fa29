"""The templates of the report, which the page shares."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import jinja2

REPORT_TEMPLATES = Path(__file__).parent
"""The folder of the report's templates and of its style sheet."""


def html_templates(*folders: Path) -> jinja2.Environment:
    """Return the report's templates and those in further folders. What they are given is escaped,
    and what they aren't given is an error.
    """
    import jinja2

    return jinja2.Environment(
        loader=jinja2.FileSystemLoader([*folders, REPORT_TEMPLATES]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
