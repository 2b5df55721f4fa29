"""The parts of a study's page, each made again only where it can have changed."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from study.inspection.event_log import event_line
from study.journal.trials import Point, Trial
from study.page.drawing.curves import curves_svg
from study.page.drawing.series import best_points, faint_curves, plot_data, shown_curves
from study.page.drawing.settings import setting_plots
from study.page.live.stream import Parts
from study.page.readings.followed_study import FollowedStudy
from study.page.readings.rows import row_of
from study.page.site import Site
from study.spec.sections import column_of
from study.spec.spec import StudySpec

_MOST_TRIALS = 64
_LATEST = 40


def trial_mark(epochs: int, state: str) -> str:
    """Return what changes with a trial, as those who look at it are told."""
    return f"{epochs} {state}"


@dataclass
class KeptParts:
    """The parts that were made last of a study, and of what.

    They know nothing of the study itself, so that one that nobody looks at can be forgotten.
    """

    version: str = ""
    outcomes: tuple[int, ...] = ()
    parts: dict[str, str] = field(default_factory=dict)
    best: list[Point] = field(default_factory=list)
    trials: list[int] = field(default_factory=list)
    """The trials that run or have just run."""
    shown: tuple[Any, str] = (None, "")


class StudyParts:
    """What a study's page is made of, by the names of its parts."""

    def __init__(self, site: Site, study: FollowedStudy, kept: KeptParts) -> None:
        self._site = site
        self._study = study
        self._kept = kept

    def look(self) -> Parts:
        """Return the parts as they are now, for those who look on."""
        return self.parts(0.0)

    def parts(self, patience_s: float) -> Parts:
        """Return the parts as they are now; tables that are still being made are waited for as
        long as ``patience_s``.
        """
        study = self._study
        with study.lock:
            study.read_on()
            if study.version != self._kept.version:
                self._make_light()
                self._kept.version = study.version
        made = self._site.chapters.chapters.of(study, patience_s)
        shown = (made.content, made.fault)
        if shown != self._kept.shown or "answer" not in self._kept.parts:
            self._kept.shown = shown
            content = {"chapter": made.content, "fault": made.fault, "notes": study.notes}
            self._kept.parts["answer"] = self._page("study_answer.html.j2", content)
            self._kept.parts["sections"] = self._page("study_sections.html.j2", content)
        return dict(self._kept.parts)

    def _make_light(self) -> None:
        """Make what follows each event."""
        study = self._study
        history, spec = study.history, study.spec
        metric = spec.objectives[0].metric
        if study.outcomes != self._kept.outcomes:
            self._kept.best = best_points(history, spec)
            plots = setting_plots(history.points, metric)
            self._kept.parts["settings"] = self._page("study_settings.html.j2", {"plots": plots})
            self._kept.outcomes = study.outcomes
        curves = shown_curves(history, spec, self._kept.best)
        self._kept.parts["now"] = self._page("study_now.html.j2", {"row": row_of(study)})
        # its name alone: each page asks for the buttons, which its viewer may have or not
        self._kept.parts["offers"] = self._page("study_offered.txt.j2", {})
        self._kept.parts["curves"] = json.dumps(plot_data(curves, metric), separators=(",", ":"))
        latest = history.trials[: -_LATEST - 1 : -1]
        content = {"latest": [_trial_row(trial, spec) for trial in latest]}
        self._kept.parts["trials"] = self._page("study_trials.html.j2", content)
        self._mark_trials()
        lines = [event_line(record, spec) for record in reversed(study.recent)]
        self._kept.parts["log"] = self._page("study_log.html.j2", {"lines": lines})

    def _mark_trials(self) -> None:
        """Note how far those trials are that run or have just run."""
        trials = self._study.history.trials
        running = {trial.number for trial in trials if trial.is_in_flight}
        self._kept.trials = sorted(running | set(self._kept.trials))[-_MOST_TRIALS:]
        for name in [name for name in self._kept.parts if name.startswith("trial-")]:
            del self._kept.parts[name]
        for number in self._kept.trials:
            if number < len(trials):
                trial = trials[number]
                self._kept.parts[f"trial-{number}"] = trial_mark(trial.epochs, trial.state)

    def drawing(self) -> str:
        """Return the curves as a browser shows them that runs no script."""
        study = self._study
        with study.lock:
            shown = shown_curves(study.history, study.spec, self._kept.best)
            faint = faint_curves(study.history, study.spec, self._kept.best)
            metric = study.spec.objectives[0].metric
        return curves_svg([*faint, *shown], f"{metric} over epochs")

    def _page(self, template: str, content: dict[str, Any]) -> str:
        study = self._study
        return self._site.page(template, {**content, "label": study.label, "name": study.name})


def _trial_row(trial: Trial, spec: StudySpec) -> dict[str, Any]:
    """Return what the list of trials says of one."""
    metric = spec.objectives[0].metric
    row = trial.rows[-1] if trial.rows else {}
    return {
        "trial": trial.number,
        "point": trial.point,
        "seed": trial.seed,
        "state": trial.state,
        "epochs": trial.epochs,
        "value": row.get(column_of(metric)),
        "failure": trial.failure.failure_class if trial.failure else "",
    }
