"""A table drawn for a terminal of a given width: no figure in it is cut, however narrow that is.

A table that is too wide has its long texts folded. Where that isn't enough, columns that are the
same in all rows become a note, and then headers take several lines. At last a table of few rows
stands upright, a line for each column; one of many is drawn in parts, one below the other, each of
which says which row is which.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from analysis.rendering.forms import TextTable

if TYPE_CHECKING:
    import rich.console
    import rich.table

_IDENTIFYING = 2
"""So many columns at the left at least are those by which a reader knows a row."""
_NUMBERS = ("point", "trial")
"""Columns whose numbers identify a row, if they stand further to the right."""
_LONG = 36
"""Characters: a column of texts, some of which are longer, may have them folded."""
_NARROWEST = 24
"""Characters: a column of long texts is folded no further than this."""
_MOST_UPRIGHT = 2
"""A table that would take more blocks of upright rows is drawn in parts."""
_WIDE = 10_000
"""Characters: a console on which a table is measured."""


def fitted(table: TextTable, width: int) -> rich.console.Group:
    """Return the table and its notes as rich draws them within ``width`` characters."""
    from rich.console import Group
    from rich.text import Text

    drawn, notes = _drawn(table, width)
    lines = [Text(f"· {note}", style="dim") for note in notes]
    return Group(Text(table.title, style="italic"), *drawn, *lines)


def _drawn(table: TextTable, width: int) -> tuple[list[rich.table.Table], tuple[str, ...]]:
    """Return the first form of the table that fits, in one part or several, and its notes."""
    lean = _without_constants(table)
    forms: list[tuple[TextTable, Callable[[TextTable], rich.table.Table]]] = [
        (table, _lying),
        (table, _folded),
        (lean, _lying),
        (lean, _folded),
        (lean, _compact),
    ]
    for form, draw in forms:
        drawn = draw(form)
        if _narrowest_width(drawn) <= width:
            return [drawn], form.notes
    upright, parts = list(_upright(lean, width)), list(_parts(lean, width))
    fits_in_parts = all(_narrowest_width(part) <= width for part in parts)
    if len(upright) > _MOST_UPRIGHT and fits_in_parts:
        return parts, lean.notes
    return upright, lean.notes


def _identifying(table: TextTable) -> int:
    """Count the columns at the left by which a reader knows a row."""
    found = [table.headers.index(name) + 1 for name in _NUMBERS if name in table.headers[:3]]
    return max([_IDENTIFYING, *found])


def _without_constants(table: TextTable) -> TextTable:
    """Return the table without the columns that are the same in all rows, which a note names."""
    if len(table.rows) < 2:
        return table
    constant = [
        column
        for column in range(_identifying(table), len(table.headers))
        if len({row[column] for row in table.rows}) == 1
    ]
    if not constant:
        return table
    values = [f"{table.headers[column]} {table.rows[0][column]}" for column in constant]
    note = f"The same in all rows: {', '.join(values)}."
    kept = [column for column in range(len(table.headers)) if column not in constant]
    return replace(_with_columns(table, kept), notes=(note, *table.notes))


def _with_columns(table: TextTable, columns: list[int]) -> TextTable:
    """Return the table with these columns alone."""
    return replace(
        table,
        headers=[table.headers[column] for column in columns],
        rows=[[row[column] for column in columns] for row in table.rows],
        holds_figures=[table.holds_figures[column] for column in columns],
    )


# -- lying: a line for each row --------------------------------------------------------


def _lying(table: TextTable) -> rich.table.Table:
    return _rows_drawn(table, table.headers, folds_texts=False, is_tight=False)


def _folded(table: TextTable) -> rich.table.Table:
    return _rows_drawn(table, table.headers, folds_texts=True, is_tight=False)


def _compact(table: TextTable) -> rich.table.Table:
    """Draw the table with less between its columns, and headers of several lines."""
    headers = [_broken(table, column) for column in range(len(table.headers))]
    return _rows_drawn(table, headers, folds_texts=True, is_tight=True)


def _broken(table: TextTable, column: int) -> str:
    """Return a header in lines no longer than its column's cells, as far as its words allow."""
    widest = _width_of(row[column] for row in table.rows)
    lines: list[str] = []
    for word in re.findall(r"[^ _.]+[ _.]?", table.headers[column]):
        if lines and _width_of([lines[-1] + word.rstrip()]) <= widest:
            lines[-1] += word
        else:
            lines.append(word)
    return "\n".join(line.rstrip() for line in lines)


def _rows_drawn(
    table: TextTable, headers: list[str], *, folds_texts: bool, is_tight: bool
) -> rich.table.Table:
    from rich.text import Text

    drawn = _empty_table(is_tight)
    for column, header in enumerate(headers):
        is_figures = table.holds_figures[column]
        cells = [row[column] for row in table.rows]
        folds = folds_texts and not is_figures and _width_of(cells) > _LONG
        drawn.add_column(
            Text(header),
            justify="right" if is_figures else "left",
            overflow="fold",
            min_width=_NARROWEST if folds else _width_of([*cells, *header.split("\n")]),
        )
    for row in table.rows:
        drawn.add_row(*[Text(text) for text in row])
    return drawn


def _parts(table: TextTable, width: int) -> Iterator[rich.table.Table]:
    """Draw as many columns side by side as there is room for, the others below, each time behind
    those by which a reader knows a row.
    """
    identifying = list(range(_identifying(table)))
    part = list(identifying)
    for column in range(len(identifying), len(table.headers)):
        longer = _compact(_with_columns(table, [*part, column]))
        if part != identifying and _narrowest_width(longer) > width:
            yield _compact(_with_columns(table, part))
            part = list(identifying)
        part.append(column)
    yield _compact(_with_columns(table, part))


# -- upright: a line for each column ---------------------------------------------------


def _upright(table: TextTable, width: int) -> Iterator[rich.table.Table]:
    """Draw as many rows side by side as there is room for, the others below in the same way."""
    rows = table.rows
    while rows:
        count = len(rows)
        while count > 1 and _narrowest_width(_columns_drawn(table, rows[:count])) > width:
            count -= 1
        yield _columns_drawn(table, rows[:count], folds_texts=count == 1)
        rows = rows[count:]


def _columns_drawn(
    table: TextTable, rows: list[list[str]], *, folds_texts: bool = False
) -> rich.table.Table:
    """Draw rows as columns, below what the first column says of each."""
    from rich.text import Text

    drawn = _empty_table(is_tight=True)
    drawn.add_column(Text(table.headers[0]), min_width=_width_of(table.headers))
    for row in rows:
        fewest = None if folds_texts else _width_of(row)
        drawn.add_column(Text(row[0]), overflow="fold", min_width=fewest)
    for column, header in enumerate(table.headers[1:], start=1):
        drawn.add_row(Text(header), *[Text(row[column]) for row in rows])
    return drawn


# -- drawing and measuring -------------------------------------------------------------


def _empty_table(is_tight: bool) -> rich.table.Table:
    import rich.box
    import rich.table

    return rich.table.Table(
        box=rich.box.SIMPLE_HEAD, pad_edge=not is_tight, collapse_padding=is_tight
    )


def _width_of(texts: Iterable[str]) -> int:
    """Return how many characters the widest of the texts takes."""
    from rich.cells import cell_len

    return max((cell_len(text) for text in texts), default=0)


def _narrowest_width(drawn: rich.table.Table) -> int:
    """Return the fewest characters in which nothing is cut but at the folds that are allowed."""
    from rich.console import Console
    from rich.measure import Measurement

    console = Console(width=_WIDE)
    return Measurement.get(console, console.options, drawn).minimum
