"""The plot of what a study's points would have cost and found under other pruners."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from analysis.plots.svg import FAINT, INK, SERIES, Plot, as_plot, make_panels, plot_style


def replays_plot(rules: Sequence[Mapping[str, Any]]) -> Plot:
    """Draw a bar of epochs for each pruner, the study's own on top, with its winner beside it.

    ``rules`` are those of ``study replay --format json``.
    """
    with plot_style():
        return _drawn(rules)


def _drawn(rules: Sequence[Mapping[str, Any]]) -> Plot:
    figure, (axes,) = make_panels(height_in=max(1.6, 0.42 * len(rules) + 0.9))
    places = range(len(rules))
    epochs = [rule["epochs"] for rule in rules]
    colors = [SERIES[1], *[SERIES[0]] * (len(rules) - 1)]
    axes.barh(places, epochs, color=colors, alpha=0.85, height=0.6)
    below = [rule["epochs"] - rule["low"] for rule in rules]
    above = [rule["high"] - rule["epochs"] for rule in rules]
    axes.errorbar(epochs, places, xerr=[below, above], fmt="none", ecolor=INK, capsize=3, lw=1)
    for place, rule in zip(places, rules, strict=True):
        axes.annotate(
            _winner_text(rule),
            (rule["high"], place),
            (7, 0),
            textcoords="offset points",
            va="center",
            fontsize=8,
            color=INK,
        )
    labels = [_short(rule["pruner"]) for rule in rules]
    axes.set_yticks(places, [f"{labels[0]}\n(as run)", *labels[1:]])
    axes.invert_yaxis()  # the first on top
    axes.set_xlim(0, 1.35 * max(rule["high"] for rule in rules))
    axes.set(xlabel="epochs")
    axes.axvline(epochs[0], color=FAINT, linewidth=1)
    text = (
        "The epochs that the same points would have taken under each pruner; the first one was"
        " really run. Lines are the bounds where trainings were cut off. Beside them the best point"
        " and by how much it is worse than the real one."
    )
    return as_plot(figure, "replays", "The same points under other pruners", text)


def _winner_text(rule: Mapping[str, Any]) -> str:
    if rule["winner"] is None:
        return "none" if rule["exact"] else "winner not known"
    return f"point {rule['winner']}, loss {rule['loss']:.4g}"


def _short(pruner: str) -> str:
    """A pruner as a label: its mapping without braces, a line for each two options."""
    parts = pruner.strip("{} ").replace("name: ", "").split(", ")
    lines = [", ".join(parts[start : start + 2]) for start in range(0, len(parts), 2)]
    return "\n".join(lines)
