"""Stop decisions: Optuna's pruners, asked about a trial and shown just the trials that it may be
compared with.

A pruner serves the trials of one replicate number in one arm, known by their point's index in the
arm. Of each trial it is told the epochs in order, and it answers for each whether the trial should
stop there. With ``by_number`` a decision on trial *n* at epoch *e* is taken against the trials
below *n* that reach *e*, whenever they reach it, so that no clock enters; otherwise against all
that is known at that moment.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    import optuna
    from optuna.storages import InMemoryStorage
    from optuna.trial import FrozenTrial

    from study.spec.pruners import PrunerChoice
    from study.spec.sections import Objective
    from study.training.recipe.metric_catalog import Direction


class Pruner(Protocol):
    """Decides whether a trial goes on."""

    asks: bool
    """Whether it ever stops a trial: where not, nothing waits for its decisions."""

    def stops(self, index: int, epoch: int, values: tuple[float, ...]) -> bool:
        """Whether trial ``index`` stops at ``epoch`` (asked in order of epochs), given its
        objectives there.
        """
        ...

    def close(self, index: int, state: str) -> None:
        """The trial has ended."""
        ...


class _NoPruner:
    """Every trial goes on."""

    asks = False

    def stops(self, index: int, epoch: int, values: tuple[float, ...]) -> bool:
        return False

    def close(self, index: int, state: str) -> None:
        pass


def make_pruner(
    pruner: PrunerChoice, objectives: tuple[Objective, ...], epochs: int, *, by_number: bool
) -> Pruner:
    """The pruner that the study file asks for; ``epochs`` is the longest that a trial can get."""
    if pruner.name == "none":
        return _NoPruner()
    if len(objectives) > 1:
        signs = tuple(float(objective.sign) for objective in objectives)
        return FrontPruner(pruner.name, dict(pruner.options), signs, epochs, by_number)
    return _OptunaPruner(
        make_optuna_pruner(pruner.name, dict(pruner.options), epochs),
        objectives[0].direction,
        by_number,
    )


class _OptunaPruner:
    """One objective: the decision is Optuna's."""

    asks = True

    def __init__(
        self, pruner: optuna.pruners.BasePruner, direction: Direction, by_number: bool
    ) -> None:
        import optuna

        self._pruner = pruner
        self._by_number = by_number
        self._storage = _view_storage()
        # Hyperband picks a trial's bracket by the study's name and the trial's number: one name for
        # all studies
        created = optuna.create_study(
            storage=self._storage, study_name="study", direction=direction
        )
        self._study = created
        self._identifiers: list[int] = []
        self._complete: set[int] = set()

    def stops(self, index: int, epoch: int, values: tuple[float, ...]) -> bool:
        identifier = self._enter(index)
        self._storage.set_trial_intermediate_value(identifier, epoch, values[0])
        if self._by_number:
            self._storage.shown = lambda trial: (
                trial.number < index and epoch in trial.intermediate_values
            )
        else:
            self._storage.shown = lambda trial: trial.number != index
            self._storage.counted = self._complete
        return self._pruner.prune(self._study, self._storage.get_trial(identifier))

    def close(self, index: int, state: str) -> None:
        if state == "COMPLETE":
            self._complete.add(index)

    def _enter(self, index: int) -> int:
        while len(self._identifiers) <= index:
            self._identifiers.append(self._storage.create_new_trial(self._study._study_id))
        return self._identifiers[index]


def _view_storage() -> Any:
    """Trials in memory, of which those are shown that a decision may see; all stay RUNNING, as
    pruners mark them.
    """
    from optuna.storages import InMemoryStorage
    from optuna.trial import TrialState

    class ViewStorage(InMemoryStorage):
        shown: Any = staticmethod(lambda trial: True)
        counted: set[int] | None = None
        """Numbers of the trials that count as complete; None where all that are shown do."""

        def get_all_trials(
            self, study_id: int, deepcopy: bool = True, states: Any = None
        ) -> list[FrozenTrial]:
            trials = [
                trial
                for trial in super().get_all_trials(study_id, deepcopy=False)
                if self.shown(trial)
            ]
            if states is None or TrialState.RUNNING in states or self.counted is None:
                return trials
            return [trial for trial in trials if trial.number in self.counted]

    storage: InMemoryStorage = ViewStorage()
    return storage


def make_optuna_pruner(
    name: str, options: dict[str, Any], epochs: int
) -> optuna.pruners.BasePruner:
    """An Optuna pruner by our name for it, resources being epochs."""
    from optuna import pruners

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some pruners are marked experimental
        if name == "asha":
            return pruners.SuccessiveHalvingPruner(
                min_resource=options["min_epochs"], reduction_factor=options["reduction"]
            )
        if name == "hyperband":
            return pruners.HyperbandPruner(
                min_resource=options["min_epochs"],
                max_resource=max(options.get("max_epochs") or epochs, options["min_epochs"]),
                reduction_factor=options["reduction"],
            )
        if name == "patient":
            return pruners.PatientPruner(
                None, patience=options["patience"], min_delta=options["min_delta"]
            )
        return pruners.PercentilePruner(
            percentile=options.get("percentile", 50.0),
            n_startup_trials=options["startup_trials"],
            n_warmup_steps=options["warmup_epochs"],
            interval_steps=options["interval_epochs"],
            n_min_trials=options["min_trials"],
        )


class FrontPruner:
    """Several objectives: a trial stops where too many others dominate it.

    At each rung the trials there are sorted into non-dominated fronts (ties within a front by
    crowding distance, as NSGA-II does, doi:10.1109/4235.996017), and a trial goes on if it is among
    the best ``1 / reduction`` (asha and hyperband), half (median) or given share (percentile) of
    them. Optuna's own pruners take one objective only.
    """

    asks = True

    def __init__(
        self,
        name: str,
        options: dict[str, Any],
        signs: tuple[float, ...],
        epochs: int,
        by_number: bool,
    ) -> None:
        self._signs = np.array(signs)
        self._by_number = by_number
        self._values: dict[int, dict[int, np.ndarray]] = {}
        self._startup = options.get("startup_trials", 1)
        if name in ("asha", "hyperband"):
            self._share = 1 / options["reduction"]
            self._rungs = [options["min_epochs"]]
            while self._rungs[-1] < epochs:
                self._rungs.append(self._rungs[-1] * options["reduction"])
            self._brackets = len(self._rungs) - 1 if name == "hyperband" else 1
        else:
            self._share = options.get("percentile", 50.0) / 100
            self._rungs = list(
                range(max(1, options["warmup_epochs"]), epochs + 1, options["interval_epochs"])
            )
            self._brackets = 1

    def stops(self, index: int, epoch: int, values: tuple[float, ...]) -> bool:
        bracket = index % max(1, self._brackets)
        if epoch not in self._rungs[bracket:]:
            return False
        mine = self._signs * np.array(values)
        rung = self._values.setdefault(epoch, {})
        others = [
            value
            for other, value in sorted(rung.items())
            if other % max(1, self._brackets) == bracket
            and (other < index or not self._by_number)
            and other != index
        ]
        rung[index] = mine
        if len(others) < self._startup:
            return False
        places = max(1, int((len(others) + 1) * self._share))
        return places <= better_than_last(np.array([*others, mine]))

    def close(self, index: int, state: str) -> None:
        pass


def better_than_last(values: np.ndarray) -> int:
    """How many rows of ``values`` (trials × objectives, larger is better) come before the last one.

    Rows come by non-dominated front, then by crowding distance, rarer first; equal rows don't come
    before it.
    """
    fronts = front_of(values)
    mine = fronts[-1]
    before = int((fronts < mine).sum())
    peers = np.flatnonzero(fronts == mine)
    distance = crowding(values[peers])
    return before + int((distance[:-1] > distance[-1]).sum())


def front_of(values: np.ndarray) -> np.ndarray:
    """The number, from 0, of each row's non-dominated front. (trials × objectives) -> (trials,)"""
    at_least = (values[:, None] >= values[None, :]).all(
        -1
    )  # (trials, trials): row i is nowhere worse than j
    better = (values[:, None] > values[None, :]).any(-1)
    dominates = at_least & better
    fronts = np.full(len(values), -1)
    front = 0
    while (fronts < 0).any():
        left = fronts < 0
        fronts[left & ~(dominates & left[:, None]).any(0)] = front
        front += 1
    return fronts


def crowding(values: np.ndarray) -> np.ndarray:
    """The crowding distance of each row within its front; the ends of each objective count as
    infinitely far.
    """
    distance = np.zeros(len(values))
    for column in values.T:
        order = np.argsort(column, kind="stable")
        spread = column[order[-1]] - column[order[0]]
        distance[order[[0, -1]]] = np.inf
        if spread > 0:
            distance[order[1:-1]] += (column[order[2:]] - column[order[:-2]]) / spread
    return distance
