"""Tables that are shown: one object, rendered for the terminal, Markdown, CSV, LaTeX, JSON, HTML.

``cells`` says how a single figure reads, ``forms`` how a table of texts is written, ``table`` holds
the figures themselves.
"""

from analysis.rendering.cells import Cell, Header, cell_text, format_number
from analysis.rendering.table import FORMS, Table, make_table

__all__ = ["FORMS", "Cell", "Header", "Table", "cell_text", "format_number", "make_table"]
