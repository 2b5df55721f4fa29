"""A study's points under other pruners: the study's own first, then those that are asked about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from study.errors import SpecError, UserError
from study.files.layout import StudyPaths
from study.inspection.decisions.replay.curves import curves_of
from study.inspection.decisions.replay.outcome import Recorded, RuleOutcome, outcome_under
from study.journal.history import History
from study.journal.replay import read_history
from study.journal.spec_versions import recorded_spec, stored_spec_file
from study.results.attempts import wall_seconds
from study.results.bill import bill_of, trial_money
from study.spec.load import load_spec
from study.spec.pruners import PrunerChoice
from study.spec.spec import StudySpec

_SECONDS_AN_HOUR = 3600


def replay(paths: StudyPaths, pruners: Sequence[str]) -> list[RuleOutcome]:
    """Return what a study did cost and find, and what its points would have under each pruner.

    A pruner is written as in a study file: a name, or a mapping as YAML. Raises SpecError where one
    is at fault, UserError where one promotes trials, or no trial of the study has begun.
    """
    specs = _with_pruners(paths, pruners)
    history = read_history(paths.journal)
    spec = recorded_spec(paths, history)
    for text, other in zip(pruners, specs, strict=True):
        if other.pruner.promotes and other.pruner != spec.pruner:
            raise UserError(
                f"--pruner {text}: a pruner that promotes trials can't be replayed: when each"
                " would have come to its rung, and so which went on first, the journal doesn't"
                " say; replay those that stop trials, or run the study with it under another"
                " --name"
            )
    curves = curves_of(history, spec)
    if not curves:
        raise UserError(f"no trial of {paths.name} has begun: there is nothing to replay")
    recorded = Recorded(spec, history, curves)
    outcomes = [recorded.real_outcome(pruner_text(spec.pruner))]
    for text, other in zip(pruners, specs, strict=True):
        if other.pruner == spec.pruner:  # that is what was run
            outcomes.append(recorded.real_outcome(text))
        else:
            outcomes.append(outcome_under(recorded, other, text))
    hourly = _hourly_price(history)
    return [replace(outcome, hourly=hourly) for outcome in outcomes]


def _hourly_price(history: History) -> float | None:
    """What an hour of the study's trials has cost in the mean; None without prices."""
    bill = bill_of(history)
    trials = [trial for trial in history.trials if trial_money(history, trial) is not None]
    held_s = sum(wall_seconds(history, trial) for trial in trials)
    return bill.money / held_s * _SECONDS_AN_HOUR if bill and held_s else None


def pruner_text(pruner: PrunerChoice) -> str:
    """Return a pruner as one writes it: its name where all else is as ever."""
    if pruner == type(pruner)(name=pruner.name):
        return pruner.name
    options = ", ".join(f"{key}: {value}" for key, value in pruner.options.items())
    return f"{{name: {pruner.name}, {options}}}"


def _with_pruners(paths: StudyPaths, pruners: Sequence[str]) -> list[StudySpec]:
    """The study's spec with each of the pruners; SpecError with every fault of any."""
    file = stored_spec_file(paths)
    specs: list[StudySpec] = []
    faults: list[str] = []
    for text in pruners:
        option = f"pruner={text}"
        try:
            specs.append(load_spec(file, sets=[option]))
        except SpecError as error:
            faults += [line.replace(f"--set {option}", f"--pruner {text}") for line in error.lines]
    if faults:
        raise SpecError(faults)
    return specs
