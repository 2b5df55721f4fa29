"""The labels of logarithmic axes, written without matplotlib's math text.

Math text is off in our plots, since a value may hold dollar signs; matplotlib's own labels of such
axes are math text.
"""

from __future__ import annotations

from typing import Any

from matplotlib.ticker import LogFormatterSciNotation

_OPENING, _CLOSING = r"$\mathdefault{", "}$"
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


class PowersOfTen(LogFormatterSciNotation):
    """Write 0.001 as 10⁻³ and 0.002 as 2×10⁻³."""

    def __call__(self, x: Any, pos: Any = None) -> str:
        math_text = super().__call__(x, pos)
        inner = math_text.removeprefix(_OPENING).removesuffix(_CLOSING)
        number, _, exponent = inner.partition("^")
        return number.replace(r"\times", "×") + exponent.strip("{}").translate(_SUPERSCRIPTS)
