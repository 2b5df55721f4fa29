"""A table of figures under headers, which renders itself in any of its forms."""

from __future__ import annotations

import csv
import io
import json
import shutil
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from analysis.estimates import Difference, Estimate
from analysis.rendering import forms
from analysis.rendering.cells import Cell, Header, cell_text, is_figure, is_known, part_of
from analysis.rendering.fitting import fitted
from analysis.rendering.forms import TextTable
from study.files.visible_text import visible

if TYPE_CHECKING:
    import pandas as pd
    import rich.console


@dataclass(frozen=True, repr=False)
class Table:
    """Rows of cells under headers; the notes below say what a careful reader must know."""

    title: str
    headers: tuple[Header, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()

    def texts(self) -> TextTable:
        """Return the table as a reader sees it: every cell as text."""
        seen = [i for i in range(len(self.headers)) if self._is_seen(i)]
        rows = []
        for row in self.rows:
            rows.append([visible(cell_text(row[i], self.headers[i])) for i in seen])
        headers = [visible(str(self.headers[i])) for i in seen]
        notes = tuple(visible(note) for note in self.notes)
        holds_figures = [self._holds_figures(i) for i in seen]
        return TextTable(visible(self.title), headers, rows, holds_figures, notes)

    def _is_seen(self, column: int) -> bool:
        """Return whether readers see a column: not where it says 0 in every row, if that is all."""
        if not self.headers[column].unless_zero or not self.rows:
            return True
        return any(row[column] for row in self.rows)

    def _holds_figures(self, column: int) -> bool:
        cells = [row[column] for row in self.rows if row[column] is not None]
        return bool(cells) and all(is_figure(cell) for cell in cells)

    def flat(self) -> tuple[list[str], list[list[Any]]]:
        """Return plain names and values: an interval becomes ``NAME_low`` and ``NAME_high``."""
        suffixes = [self._suffixes(i) for i in range(len(self.headers))]
        names = []
        for header, own in zip(self.headers, suffixes, strict=True):
            names += [f"{header.name}{suffix}" for suffix in own]
        rows = []
        for row in self.rows:
            values: list[Any] = []
            for cell, own in zip(row, suffixes, strict=True):
                values += [part_of(cell, suffix) for suffix in own]
            rows.append(values)
        return names, rows

    def _suffixes(self, column: int) -> tuple[str, ...]:
        """Return the suffixes of the plain columns that a column becomes."""
        cells = [row[column] for row in self.rows]
        if any(isinstance(cell, Difference) for cell in cells):
            return ("", "_low", "_high", "_n", "_p")
        if self.headers[column].always or any(isinstance(cell, Estimate) for cell in cells):
            return ("", "_low", "_high", "_n")
        return ("",)

    def frame(self) -> pd.DataFrame:
        """Return the plain names and values as a pandas frame."""
        import pandas as pd

        names, rows = self.flat()
        return pd.DataFrame(rows, columns=names)

    def csv(self) -> str:
        """Return the plain names and values as comma-separated lines.

        A text that a spreadsheet would take for a formula has an apostrophe before it.
        """
        names, rows = self.flat()
        file = io.StringIO()
        lines = [[forms.csv_cell(value) for value in line] for line in (names, *rows)]
        csv.writer(file, lineterminator="\n").writerows(lines)
        return file.getvalue()

    def json(self) -> str:
        """Return title, columns with their units, plain rows and notes as one JSON object."""
        names, rows = self.flat()
        content = {
            "title": self.title,
            "columns": [{"name": header.name, "unit": header.unit} for header in self.headers],
            "rows": [dict(zip(names, row, strict=True)) for row in rows],
            "notes": list(self.notes),
        }
        text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False, default=str)
        return f"{text}\n"

    def markdown(self) -> str:
        """Return the table in Markdown, its notes as a list below."""
        return forms.markdown(self.texts())

    def latex(self) -> str:
        """Return a ``tabular`` in booktabs' style, in a floating table with its caption."""
        return forms.latex(self.texts())

    def html(self, identity: str = "") -> str:
        """Return a table element with a caption and scoped headers."""
        return forms.html_element(self.texts(), identity)

    def _repr_html_(self) -> str:
        return forms.notebook_html(self.texts())

    def rich(self, width: int) -> rich.console.Group:
        """Return the table as rich draws it in a terminal of ``width`` characters."""
        return fitted(self.texts(), width)

    def text(self, width: int | None = None) -> str:
        """Return the terminal's form without colors, as wide as it needs without a width."""
        if width is None:
            return forms.terminal_text(self.texts())
        return forms.drawn_text(self.rich(width), width)

    def __str__(self) -> str:
        """Return the terminal's form: within a terminal's width where there is one, else whole."""
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
        return self.text(width).rstrip("\n")

    __repr__ = __str__

    def render(self, form: str) -> str:
        """Return the table in one of FORMS; ValueError for another."""
        if form not in FORMS:
            raise ValueError(f"a table's form is {' | '.join(FORMS)}, not {form!r}")
        return FORMS[form](self)


FORMS: dict[str, Callable[[Table], str]] = {
    "table": Table.text,
    "markdown": Table.markdown,
    "csv": Table.csv,
    "latex": Table.latex,
    "json": Table.json,
    "html": Table.html,
}


def make_table(
    title: str, headers: Sequence[Header], rows: Iterable[Sequence[Cell]], notes: Iterable[str] = ()
) -> Table:
    """Return a table without the columns that no row fills, save for those that are always there.

    A table without rows keeps all columns.
    """
    all_rows = [tuple(row) for row in rows]

    def stays(column: int) -> bool:
        if headers[column].always or not all_rows:
            return True
        return any(is_known(row[column]) for row in all_rows)

    kept = [column for column in range(len(headers)) if stays(column)]
    kept_headers = tuple(headers[column] for column in kept)
    kept_rows = tuple(tuple(row[column] for column in kept) for row in all_rows)
    return Table(title, kept_headers, kept_rows, tuple(notes))
