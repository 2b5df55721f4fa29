"""A table of texts, written as Markdown, LaTeX, HTML, or for the terminal."""

from __future__ import annotations

import html
import io
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from study.files.visible_text import visible

if TYPE_CHECKING:
    import rich.console
    import rich.table

_WIDEST = 1_000_000
"""Characters, more than any table has: in a file it is as wide as its cells."""

_LONG = 30
"""Characters, beyond which a cell of the HTML form may take several lines."""

_LATEX_MARKS = {character: f"\\{character}" for character in "&%$#_{}"}
_LATEX = str.maketrans(
    {
        **_LATEX_MARKS,
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


TERMINAL_STYLE = (
    "margin:0;line-height:1.4;white-space:pre;overflow-x:auto;"
    "font-family:Menlo,'DejaVu Sans Mono',Consolas,monospace"
)
"""Of an HTML element that shows what a terminal would."""

_NOTEBOOK_STYLE = (
    "<style>.ray-study .scroll{overflow-x:auto}"
    ".ray-study caption{caption-side:top;text-align:left;font-weight:600}"
    ".ray-study th,.ray-study td{white-space:nowrap;text-align:left !important}"
    ".ray-study td.w{white-space:normal;min-width:14rem}"
    ".ray-study .n{text-align:right !important;font-variant-numeric:tabular-nums}"
    ".ray-study .notes{opacity:.75}</style>"
)

_FORMULA = ("=", "+", "-", "@", "\t")
"""What a formula begins with for a spreadsheet."""


@dataclass(frozen=True)
class TextTable:
    """A table whose cells are texts. Columns of figures are aligned to the right."""

    title: str
    headers: list[str]
    rows: list[list[str]]
    holds_figures: list[bool]
    """For each column."""

    notes: tuple[str, ...] = ()


def markdown(table: TextTable) -> str:
    """Return the table in Markdown, its notes as a list below."""
    bars = ["---:" if is_figures else "---" for is_figures in table.holds_figures]
    lines = []
    for row in [table.headers, bars, *table.rows]:
        cells = " | ".join(_markdown_cell(text) for text in row)
        lines.append(f"| {cells} |\n")
    notes = "".join(f"\n- {_markdown_text(note)}" for note in table.notes)
    end = f"{notes}\n" if notes else ""
    return f"**{_markdown_text(table.title)}**\n\n{''.join(lines)}{end}"


def _markdown_cell(text: str) -> str:
    return _markdown_text(text.replace("\\", "\\\\").replace("|", "\\|"))


def _markdown_text(text: str) -> str:
    """Return a text in which nothing is an HTML element or a line of its own."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace("\n", " ")


def csv_cell(value: Any) -> Any:
    """Return a plain value as a cell that no spreadsheet takes for a formula."""
    if not isinstance(value, str):
        return value
    text = visible(value)
    is_formula = text.startswith(_FORMULA) and text != "-inf"
    return f"'{text}" if is_formula else text


def latex(table: TextTable) -> str:
    """Return a ``tabular`` in booktabs' style, in a floating table with its caption."""
    align = "".join("r" if is_figures else "l" for is_figures in table.holds_figures)
    lines = [
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{table.title.translate(_LATEX)}}}",
        rf"\begin{{tabular}}{{{align}}}",
        r"\toprule",
        _latex_row(table.headers),
        r"\midrule",
        *[_latex_row(row) for row in table.rows],
        r"\bottomrule",
        r"\end{tabular}",
        *[rf"\par\footnotesize {note.translate(_LATEX)}" for note in table.notes],
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def _latex_row(cells: Iterable[str]) -> str:
    return " & ".join(cell.translate(_LATEX) for cell in cells) + r" \\"


def html_element(table: TextTable, identity: str = "") -> str:
    """Return a table element with a caption and scoped headers, then a list of the notes."""
    title = html.escape(table.title)
    mark = f' id="{html.escape(identity)}"' if identity else ""
    figures = [' class="n"' if is_figures else "" for is_figures in table.holds_figures]
    heads = []
    for kind, header in zip(figures, table.headers, strict=True):
        heads.append(f'<th scope="col"{kind}>{html.escape(header)}</th>')
    rows = []
    for row in table.rows:
        cells = []
        for kind, text in zip(figures, row, strict=True):
            wide = ' class="w"' if len(text) > _LONG else ""
            cells.append(f"<td{kind or wide}>{html.escape(text)}</td>")
        rows.append(f"<tr>{''.join(cells)}</tr>")
    element = (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{title}">'
        f"<table{mark}><caption>{title}</caption><thead><tr>{''.join(heads)}</tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )
    notes = "".join(f"<li>{html.escape(note)}</li>" for note in table.notes)
    return f'{element}<ul class="notes">{notes}</ul>' if notes else element


def rich_table(table: TextTable) -> rich.table.Table:
    """Return the table as rich draws it in a terminal."""
    import rich.box
    import rich.table
    from rich.text import Text

    caption = Text("\n".join(f"· {note}" for note in table.notes)) if table.notes else None
    drawn = rich.table.Table(
        title=Text(table.title), caption=caption, box=rich.box.SIMPLE_HEAD, title_justify="left"
    )
    drawn.caption_justify = "left"
    for header, is_figures in zip(table.headers, table.holds_figures, strict=True):
        drawn.add_column(Text(header), justify="right" if is_figures else "left", no_wrap=True)
    for row in table.rows:
        drawn.add_row(*[Text(text) for text in row])
    return drawn


def notebook_html(table: TextTable) -> str:
    """Return the table for a notebook's cell: figures to the right, no line broken in them."""
    return in_notebook(html_element(table))


def in_notebook(element: str) -> str:
    """Return HTML for a notebook's cell, with the style of this project's tables."""
    return f'<div class="ray-study">{_NOTEBOOK_STYLE}{element}</div>'


def notebook_text(text: str) -> str:
    """Return a text for a notebook's cell as a terminal shows it."""
    return f'<pre style="{TERMINAL_STYLE}">{html.escape(visible(text))}</pre>'


def terminal_text(table: TextTable) -> str:
    """Return the terminal's form without colors, as wide as it needs."""
    return drawn_text(rich_table(table), _WIDEST)


def drawn_text(drawn: rich.console.RenderableType, width: int) -> str:
    """Return as plain text what rich draws within ``width`` characters."""
    import rich.console

    console = rich.console.Console(
        width=width, file=io.StringIO(), no_color=True, force_jupyter=False
    )
    with console.capture() as capture:
        console.print(drawn)
    lines = capture.get().splitlines()
    return "\n".join(line.rstrip() for line in lines) + "\n"
