"""The plot of how much each setting matters to a forest of regression trees."""

from __future__ import annotations

from analysis.frames import Frames
from analysis.plots.svg import INK, SERIES, Plot, as_plot, make_panels
from analysis.tables.settings.importance import SHARE_LABEL, importance


def importances_plot(results: Frames) -> Plot | None:
    """Draw each setting's share of the value's variance, with its spread over resamples."""
    found = importance(results)
    if found is None:
        return None
    from_the_least = found.displayed[::-1]  # drawn from below, so the greatest is on top
    names = [name for name, _ in from_the_least]
    shares = [share for _, share in from_the_least]
    values = [share.value for share in shares]
    below = [share.value - share.low for share in shares]
    above = [share.high - share.value for share in shares]
    figure, (axes,) = make_panels(height_in=max(1.6, 0.36 * len(names) + 0.7))
    opacity = 0.85 if found.r_squared > 0 else 0.25
    axes.barh(names, values, color=SERIES[0], alpha=opacity, height=0.6)
    axes.errorbar(
        values, names, xerr=[below, above], fmt="none", ecolor=INK, capsize=3, linewidth=1
    )
    axes.set_xlim(left=0)
    axes.set(xlabel=SHARE_LABEL)
    text = (
        f"{found.quality} A bar is the share of that variance that involves the setting, found by"
        " shuffling it; lines are the middle 90 % of resamples."
    )
    return as_plot(figure, "importances", "Importance of settings", text)
