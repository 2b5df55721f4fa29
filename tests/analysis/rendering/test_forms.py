from __future__ import annotations

from analysis.rendering import Header, make_table


def test_marks_of_each_form_are_escaped() -> None:
    shown = make_table("50 % & more", [Header("a_b")], [["x|y<z>_{}\\ [red]r[/red]"]])
    assert r"50 \% \& more" in shown.latex()
    assert r"x|y<z>\_\{\}\textbackslash{}" in shown.latex()
    assert r"x\|y" in shown.markdown()
    assert "x|y&lt;z&gt;" in shown.html()
    assert "[red]r[/red]" in shown.text()
