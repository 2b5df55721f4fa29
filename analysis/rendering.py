"""A table that is shown: one object, rendered for the terminal, Markdown, CSV, LaTeX, JSON and
HTML.
"""

from __future__ import annotations

import csv
import datetime
import html
import io
import json
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from analysis.statistics import Difference, Estimate

if TYPE_CHECKING:
    import pandas as pd
    import rich.table

Cell: TypeAlias = str | int | float | bool | datetime.datetime | Estimate | Difference | None

_WIDEST = 1000  # characters; tables are as wide as their cells
_LATEX = str.maketrans(
    {
        **{character: f"\\{character}" for character in "&%$#_{}"},
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "\\": r"\textbackslash{}",
        "≥": r"$\ge$",
        "±": r"$\pm$",
        "×": r"$\times$",
        "→": r"$\to$",
        "−": "$-$",
        "–": "--",
        "…": r"\dots{}",
    }
)


@dataclass(frozen=True)
class Header:
    """A column's name, the unit of its figures, how many digits after the point they have, and a
    name for readers.

    ``always``: an estimate's column that programs rely on, which stays where no row fills it.
    """

    name: str
    unit: str = ""
    digits: int | None = None
    signed: bool = False
    short: str = ""
    always: bool = False

    def __str__(self) -> str:
        name = self.short or self.name
        return f"{name} [{self.unit}]" if self.unit else name


@dataclass(frozen=True)
class Table:
    """Rows of cells under headers. ``notes`` say what a careful reader must know; they stand
    below.
    """

    title: str
    headers: tuple[Header, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()

    def texts(self) -> list[list[str]]:
        """Every cell as a reader sees it."""
        return [
            [cell_text(cell, header) for cell, header in zip(row, self.headers, strict=True)]
            for row in self.rows
        ]

    def numeric(self, column: int) -> bool:
        """Whether a column holds figures, which are aligned to the right."""
        cells = [row[column] for row in self.rows if row[column] is not None]
        return bool(cells) and all(
            isinstance(cell, int | float | Estimate | Difference) for cell in cells
        )

    def flat(self) -> tuple[list[str], list[list[Any]]]:
        """Plain names and values: an interval becomes columns of its own, ``name_low`` and
        ``name_high``.
        """
        kinds = [self._parts(i) for i in range(len(self.headers))]
        names = [
            f"{header.name}{suffix}"
            for header, parts in zip(self.headers, kinds, strict=True)
            for suffix in parts
        ]
        rows = [
            [
                _plain(_PARTS[suffix](cell))
                for cell, parts in zip(row, kinds, strict=True)
                for suffix in parts
            ]
            for row in self.rows
        ]
        return names, rows

    def _parts(self, column: int) -> tuple[str, ...]:
        cells = [row[column] for row in self.rows]
        if any(isinstance(cell, Difference) for cell in cells):
            return ("", "_low", "_high", "_n", "_p")
        if self.headers[column].always or any(isinstance(cell, Estimate) for cell in cells):
            return ("", "_low", "_high", "_n")
        return ("",)

    def frame(self) -> pd.DataFrame:
        import pandas as pd

        names, rows = self.flat()
        return pd.DataFrame(rows, columns=names)

    def csv(self) -> str:
        names, rows = self.flat()
        file = io.StringIO()
        csv.writer(file, lineterminator="\n").writerows([names, *rows])
        return file.getvalue()

    def json(self) -> str:
        names, rows = self.flat()
        content = {
            "title": self.title,
            "columns": [{"name": header.name, "unit": header.unit} for header in self.headers],
            "rows": [dict(zip(names, row, strict=True)) for row in rows],
            "notes": list(self.notes),
        }
        return (
            json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False, default=str) + "\n"
        )

    def markdown(self) -> str:
        bars = ["---:" if self.numeric(i) else "---" for i in range(len(self.headers))]
        lines = [[str(header) for header in self.headers], bars, *self.texts()]
        body = "\n".join(
            f"| {' | '.join(_markdown_cell(text) for text in line)} |" for line in lines
        )
        notes = "".join(f"\n- {note}" for note in self.notes)
        return f"**{self.title}**\n\n{body}\n{notes}{chr(10) if notes else ''}"

    def latex(self) -> str:
        """A ``tabular`` in booktabs' style, in a floating table with its caption."""
        align = "".join("r" if self.numeric(i) else "l" for i in range(len(self.headers)))
        lines = [r"\begin{table}", r"\centering", rf"\caption{{{self.title.translate(_LATEX)}}}"]
        lines += [
            rf"\begin{{tabular}}{{{align}}}",
            r"\toprule",
            _latex_row(map(str, self.headers)),
            r"\midrule",
        ]
        lines += [_latex_row(row) for row in self.texts()]
        lines += [r"\bottomrule", r"\end{tabular}"]
        lines += [rf"\par\footnotesize {note.translate(_LATEX)}" for note in self.notes]
        return "\n".join([*lines, r"\end{table}", ""])

    def html(self, identity: str = "") -> str:
        """A table element with a caption and scoped headers."""
        mark = f' id="{html.escape(identity)}"' if identity else ""
        kinds = [' class="n"' if self.numeric(i) else "" for i in range(len(self.headers))]
        heads = "".join(
            f'<th scope="col"{kind}>{html.escape(str(header))}</th>'
            for kind, header in zip(kinds, self.headers, strict=True)
        )
        rows = "".join(
            "<tr>"
            + "".join(
                f"<td{kind or _wide(text)}>{html.escape(text)}</td>"
                for kind, text in zip(kinds, row, strict=True)
            )
            + "</tr>"
            for row in self.texts()
        )
        notes = "".join(f"<li>{html.escape(note)}</li>" for note in self.notes)
        return (
            '<div class="scroll" tabindex="0" role="region"'
            f' aria-label="{html.escape(self.title)}">'
            f"<table{mark}><caption>{html.escape(self.title)}</caption><thead><tr>{heads}</tr></thead>"
            f"<tbody>{rows}</tbody></table></div>"
            + (f'<ul class="notes">{notes}</ul>' if notes else "")
        )

    def _repr_html_(self) -> str:
        return self.html()

    def rich(self) -> rich.table.Table:
        import rich.box
        import rich.table
        from rich.text import Text

        caption = Text("\n".join(f"· {note}" for note in self.notes)) if self.notes else None
        shown_table = rich.table.Table(
            title=Text(self.title), caption=caption, box=rich.box.SIMPLE_HEAD, title_justify="left"
        )
        shown_table.caption_justify = "left"
        for i, header in enumerate(self.headers):
            shown_table.add_column(
                Text(str(header)), justify="right" if self.numeric(i) else "left", no_wrap=True
            )
        for row in self.texts():
            shown_table.add_row(*(Text(text) for text in row))
        return shown_table

    def text(self, width: int | None = None) -> str:
        """The terminal's form without colors, as wide as it needs where no width is given."""
        import rich.console

        console = rich.console.Console(width=width or _WIDEST, file=io.StringIO(), no_color=True)
        with console.capture() as capture:
            console.print(self.rich())
        return "\n".join(line.rstrip() for line in capture.get().splitlines()) + "\n"

    def render(self, form: str) -> str:
        """The table in one of FORMS; ValueError for another."""
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


def _estimate_of(cell: Cell) -> Estimate | None:
    if isinstance(cell, Difference):
        return cell.estimate
    return cell if isinstance(cell, Estimate) else None


def _value_of(cell: Cell) -> Any:
    estimate = _estimate_of(cell)
    return cell if estimate is None else estimate.value


_PARTS: dict[str, Callable[[Cell], Any]] = {
    "": _value_of,
    "_low": lambda cell: getattr(_estimate_of(cell), "low", None),
    "_high": lambda cell: getattr(_estimate_of(cell), "high", None),
    "_n": lambda cell: getattr(_estimate_of(cell), "n", None),
    "_p": lambda cell: cell.p if isinstance(cell, Difference) else None,
}


def _plain(value: Any) -> Any:
    """A value that JSON and CSV can hold: nothing for nan, text for inf."""
    if isinstance(value, float) and math.isnan(value):
        return None
    if isinstance(value, float) and math.isinf(value):
        return "inf" if value > 0 else "-inf"
    return value.isoformat(timespec="seconds") if isinstance(value, datetime.datetime) else value


def cell_text(cell: Cell, header: Header) -> str:
    if cell is None:
        return ""
    if isinstance(cell, Estimate | Difference):
        return _shown_estimate(cell, header)
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, int | float):
        return format_number(cell, header.digits, header.signed)
    if isinstance(cell, datetime.datetime):
        return cell.strftime("%Y-%m-%d %H:%M:%S")
    return cell


def _shown_estimate(cell: Estimate | Difference, header: Header) -> str:
    """``0.953 [0.947, 0.959]``, with the p-value of a difference."""
    estimate = cell.estimate if isinstance(cell, Difference) else cell
    text = format_number(estimate.value, header.digits, header.signed)
    if not math.isnan(estimate.low):
        ends = (
            format_number(end, header.digits, header.signed)
            for end in (estimate.low, estimate.high)
        )
        text += f" [{', '.join(ends)}]"
    if isinstance(cell, Difference) and not math.isnan(cell.p):
        text += f" p {cell.p:.3f}" if cell.p >= 0.001 else " p <0.001"
    return text


def format_number(value: float, digits: int | None = None, signed: bool = False) -> str:
    """A figure for reading: ``digits`` after the point, or four that count."""
    if isinstance(value, int) and digits is None:
        return f"{value:+,}" if signed else f"{value:,}"
    if math.isnan(value):
        return ""
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if digits is None:
        text = f"{value:.4g}"
        return f"+{text}" if signed and value > 0 else text
    return f"{value:+,.{digits}f}" if signed else f"{value:,.{digits}f}"


def _wide(text: str) -> str:
    """The mark of a cell whose text is too long for one line."""
    return ' class="w"' if len(text) > 30 else ""


def _markdown_cell(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ")


def _latex_row(cells: Iterable[str]) -> str:
    return " & ".join(cell.translate(_LATEX) for cell in cells) + r" \\"


def make_table(
    title: str, headers: Sequence[Header], rows: Iterable[Sequence[Cell]], notes: Iterable[str] = ()
) -> Table:
    """A table without the columns that no row fills, save for those that are always there."""
    kept_rows = [tuple(row) for row in rows]

    def stays(i: int) -> bool:
        return (
            headers[i].always or not kept_rows or any(row[i] not in (None, "") for row in kept_rows)
        )

    kept = [i for i in range(len(headers)) if stays(i)]
    return Table(
        title,
        tuple(headers[i] for i in kept),
        tuple(tuple(row[i] for i in kept) for row in kept_rows),
        tuple(notes),
    )
