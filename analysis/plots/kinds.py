"""Every kind of plot by its name: a new kind needs its own module and one line of ``PLOTS``."""

from __future__ import annotations

from collections.abc import Callable

from analysis.frames import Frames
from analysis.plots.best_of_n import best_of_n_plot
from analysis.plots.epoch_times import epoch_times_plot
from analysis.plots.importances import importances_plot
from analysis.plots.learning_curves import learning_curves_plot
from analysis.plots.parallel import parallel_plot
from analysis.plots.parameters import parameters_plot
from analysis.plots.pareto import pareto_plot
from analysis.plots.svg import Plot, plot_style
from analysis.plots.timeline import timeline_plot

PLOTS: dict[str, Callable[[Frames], Plot | None]] = {
    "learning-curves": learning_curves_plot,
    "parameters": parameters_plot,
    "importances": importances_plot,
    "parallel": parallel_plot,
    "best-of-n": best_of_n_plot,
    "pareto": pareto_plot,
    "epoch-times": epoch_times_plot,
    "timeline": timeline_plot,
}
"""Each kind's function; it gives None where there is nothing to draw."""


def draw_plots(results: Frames) -> list[Plot]:
    """Draw every kind of plot that the results can fill."""
    with plot_style():
        plots = [make_plot(results) for make_plot in PLOTS.values()]
    return [plot for plot in plots if plot is not None]
