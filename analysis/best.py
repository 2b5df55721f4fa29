"""The best point of a study: the settings that the study varies, its value with its interval, and
how to get its weights.
"""

from __future__ import annotations

import html
from dataclasses import dataclass, fields
from typing import Any

from analysis.frames import STORAGE, Frames
from analysis.rendering import cell_text
from analysis.rendering.forms import in_notebook
from analysis.selection.figures import as_cell, metric_header, metric_mean
from analysis.selection.objectives import objectives_of
from analysis.selection.ranking import best_row, level_of_best, tied_with_best
from analysis.selection.settings import varied_settings
from analysis.selection.trials import counted_trials, fresh_trials, rows_of_point
from analysis.statistics import LEVEL, Estimate
from study.files.storage_uri import storage_path
from study.files.visible_text import visible
from study.journal.ranking import CONFIRMED

_SEEDS = {"confirmed": "fresh seeds", "searched": "seeds", "partial": "of its seeds"}


@dataclass(frozen=True, repr=False)
class BestPoint:
    """The best point, by the value that the study ranks by.

    ``best["optimizer.lr"]`` is a setting of it, ``best["point"]`` one of its fields.
    """

    study: str
    point: int
    settings: dict[str, Any]
    """What the study varies, by dotted path; None where the point's branch has no such setting."""
    metric: str
    value: Estimate
    """The mean over its fresh seeds where it was confirmed, else over those of the search, with
    Student's interval: of 95 %, or where it is the best of several confirmed points, at the level
    at which theirs hold together.
    """
    standing: str
    """By what it ranks: confirmed, searched, or partial (not all of its seeds)."""
    tied: tuple[int, ...]
    """The points that share the first rank; empty where it has that alone."""
    storage: str
    """Where its study lies."""

    def __getitem__(self, name: str) -> Any:
        if name in self.settings:
            return self.settings[name]
        if name in [field.name for field in fields(self)]:
            return getattr(self, name)
        raise KeyError(name)

    @property
    def value_text(self) -> str:
        """Its value as a reader sees it: ``0.9922 [0.9873, 0.9970]``."""
        return cell_text(self.value, metric_header(self.metric))

    @property
    def weights(self) -> str:
        """The Python call that writes its network, weights included, to a folder."""
        storage = "" if storage_path(STORAGE) == storage_path(self.storage) else self.storage
        where = f", storage={storage!r}" if storage else ""
        return f"study.export({self.study!r}, to='winner'{where})"

    def _heading(self) -> str:
        count = self.value.n
        seeds = "1 seed" if count == 1 else f"{count} {_SEEDS[self.standing]}"
        at = f", interval of {self.value.level:.1%}" if self.value.level > LEVEL else ""
        value = f"{self.metric} {self.value_text} ({seeds}{at})"
        text = f"best of {self.study}: point {self.point}, {value}"
        others = [str(number) for number in self.tied if number != self.point]
        return f"{text}, tied with {', '.join(others)}" if others else text

    def __repr__(self) -> str:
        width = max((len(name) for name in self.settings), default=0)
        lines = [self._heading()]
        for name, value in self.settings.items():
            if value is not None:
                lines.append(f"  {name:<{width}}  {_value_text(value)}")
        lines.append(f"weights: {self.weights}")
        return visible("\n".join(lines))

    def _repr_html_(self) -> str:
        rows = []
        for name, value in self.settings.items():
            if value is not None:
                cells = (html.escape(visible(text)) for text in (name, _value_text(value)))
                rows.append("<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>")
        heading, weights = html.escape(visible(self._heading())), html.escape(visible(self.weights))
        return in_notebook(
            f"<p><b>{heading}</b></p><table><tbody>{''.join(rows)}</tbody></table>"
            f"<p>weights: <code>{weights}</code></p>"
        )


def best_point_of(results: Frames) -> BestPoint | None:
    """Return the best point of the studies; None where none has a value."""
    row = best_row(results)
    if row is None:
        return None
    study = results.only(row["study"]).study
    objective = objectives_of(results)[0]
    is_confirmed = row["standing"] == CONFIRMED
    trials = fresh_trials(results.trials) if is_confirmed else counted_trials(results.trials)
    seeds = rows_of_point(trials, row)
    level = level_of_best(results) if is_confirmed else LEVEL
    return BestPoint(
        study=study.name,
        point=int(row["point"]),
        settings={name: as_cell(row[name]) for name in varied_settings(results)},
        metric=objective.metric,
        value=metric_mean(seeds["value"], objective.metric, level),
        standing=row["standing"],
        tied=tuple(tied_with_best(results)),
        storage=str(study.paths.storage),
    )


def _value_text(value: Any) -> str:
    return f"{value:.5g}" if isinstance(value, float) else str(value)
