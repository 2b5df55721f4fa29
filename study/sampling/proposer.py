"""Proposals: one Optuna study in memory, which is asked for points and told what became of them.

The Optuna study is never stored. A resume builds it again by telling it what the journal says. The
sampler is made anew for each proposal, with a seed that depends on the proposal's number alone, so
that nothing depends on when a study was interrupted. Samplers that keep a state of their own beside
the trials (cmaes, nsga2, qmc, a user's) are also asked again, and so come to the same state.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any

from study.sampling.allowed_draws import allowed_draws, first_expected
from study.sampling.memory_feasibility import MemoryFeasibility
from study.sampling.proposal_notes import note_of_draw, note_without_model
from study.sampling.samplers import IGNORE_RESULTS, hides_state, make_sampler
from study.sampling.seeds import draw_seed
from study.sampling.spread_start import SpreadStart

if TYPE_CHECKING:
    from search_spaces.random_trial import Allows
    from search_spaces.space import Space
    from study.journal.proposal_note import ProposalNote, RedrawReason
    from study.spec.samplers import SamplerChoice
    from study.spec.sections import Objective

FITS_CONSTRAINT = "fits_in_memory"
"""What a point violates that doesn't fit in memory."""
ENDS_CONSTRAINT = "comes_to_its_end"
"""What a point violates whose recipe fails by itself for another reason."""
_DRAWS = 20
"""How often a point that breaks a rule, or is not expected to fit in memory, is drawn again."""


class Proposer:
    """The proposals of one arm of a study, and what became of them.

    Points are known here by their index in the arm, and values by dotted recipe path. Points
    outside the search space are unknown to Optuna, which numbers its trials for itself. Only points
    that ``allows`` lets pass are proposed.
    """

    def __init__(
        self,
        space: Space,
        sampler: SamplerChoice,
        objectives: tuple[Objective, ...],
        arm: int = 0,
        *,
        allows: Allows = lambda values: True,
    ) -> None:
        import optuna

        from study.sampling.optuna_internals import FilteredStorage

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
        self.space = space
        self.arm = arm
        self.ignores_results = sampler.name in IGNORE_RESULTS
        """Whether proposals don't depend on results."""
        self._choice = sampler
        self._has_one_objective = len(objectives) == 1
        self._has_hidden_state = hides_state(sampler)
        self._allows = allows
        self._grid = None
        if sampler.name == "grid":
            self._grid = [values for values in space.iter_grid() if self._allows(values)]
        self.start = SpreadStart(space, sampler, arm, allows)
        self.note: ProposalNote = {}  # how the latest proposal came to be
        self._feasibility = MemoryFeasibility()
        self._trial_numbers: dict[int, int] = {}
        """Optuna's trial of each point that it knows of."""
        self._reported_epochs: dict[int, int] = {}
        self._taken_back: set[int] = set()
        """Optuna's trials that stand for points no more, and are not shown to samplers."""
        self.storage = FilteredStorage()
        self.study = optuna.create_study(
            storage=self.storage,
            directions=[objective.direction for objective in objectives],
            sampler=optuna.samplers.RandomSampler(seed=0),
        )

    # --- proposing ---

    @property
    def is_exhausted(self) -> bool:
        """Whether there is nothing left to propose: a grid used up, or no sampler at all."""
        return self._choice.name == "first-only" or self._grid == []

    @property
    def can_take_back(self) -> bool:
        """Whether a proposal can be taken back.

        It can't where the sampler keeps a state beside the trials, or where it is a list.
        """
        return not self._has_hidden_state and self._grid is None and not self.is_exhausted

    def propose(self, index: int) -> dict[str, Any]:
        """The values of the arm's point ``index``, which counts as running from here on."""
        if self._grid is not None:
            self.note = note_without_model("grid")
            return self._grid.pop(0)
        values = self.start.point(index)
        if values is None or not (self._has_hidden_state or self._is_expected_to_fit(values)):
            return self._draw(index)
        self.note = note_without_model("spread")
        self.add(index, values)
        return values

    def take_back(self, index: int) -> None:
        """Take the proposal of a point back: told as FAIL, from which no sampler learns."""
        self._discard(self._trial_numbers.pop(index))

    def replay(self, index: int, values: Mapping[str, Any]) -> None:
        """Take up a proposal that the journal holds.

        A sampler with a hidden state is asked again: with the same seed, after the same tells, it
        comes to the same values and the same state. Where it doesn't, being of another version,
        what the journal says was run is what counts.
        """
        if not self._has_hidden_state or self.start.point(index):
            self.add(index, values)
            return
        again = self._draw(index)
        if self.space.params_of(again) != self.space.params_of(values):
            self._discard(self._trial_numbers.pop(index))
            self.add(index, values)

    def _draw(self, index: int) -> dict[str, Any]:
        """A point that keeps the rules and is expected to fit in memory: the sampler's own, or one
        at random where it insists on those that aren't.

        A draw that is turned down counts for nothing. A hidden state would remember it, so that a
        sampler with one has its first draw that keeps the rules; a replay turns down the same ones.
        """
        import optuna

        from study.sampling.optuna_internals import drop_relative_params

        redrawn: list[RedrawReason] = []
        for draw in range(_DRAWS):
            seed = draw_seed(self._choice, self.arm, index, draw)
            if draw < _DRAWS // 2 or self._has_hidden_state:
                self.study.sampler = make_sampler(self._choice, seed, self.space)
            else:
                self.study.sampler = optuna.samplers.RandomSampler(seed=seed)
            trial = self.study.ask()
            values = self.space.ask(trial)
            is_last_draw = self._has_hidden_state or draw == _DRAWS - 1
            if self._allows(values) and (is_last_draw or self._feasibility.expects(trial.params)):
                self._trial_numbers[index] = trial.number
                self.note = note_of_draw(self.study.sampler, trial, redrawn)
                drop_relative_params(self.storage, self._trial_id(index))
                return values
            redrawn.append("memory" if self._allows(values) else "require")
            self._discard(trial.number)
        self.note = note_without_model("random", redrawn)
        allowed = allowed_draws(self.space, self._allows, self._choice.seed, self.arm, index)
        values = first_expected(islice(allowed, _DRAWS), self._is_expected_to_fit)
        self.add(index, values)
        return values

    def _is_expected_to_fit(self, values: Mapping[str, Any]) -> bool:
        return self._feasibility.expects(self.space.params_of(values) or {})

    def _discard(self, number: int) -> None:
        """Tell one of Optuna's trials as FAIL, from which no sampler learns."""
        import optuna

        self.study.tell(number, state=optuna.trial.TrialState.FAIL)

    # --- points that weren't proposed here ---

    def add(self, index: int, values: Mapping[str, Any]) -> None:
        """Take up a point that wasn't proposed; nothing where it doesn't lie in the space."""
        params = self.space.params_of(values)
        if params is None:
            return
        if self._grid is not None:  # whoever asked for it, a point of the grid is run once
            self._grid = [point for point in self._grid if self.space.params_of(point) != params]
            return
        self._add_running(index, params)

    def _add_running(self, index: int, params: dict[str, Any]) -> None:
        import optuna

        from study.sampling.optuna_internals import study_id

        trial = optuna.trial.create_trial(
            state=optuna.trial.TrialState.RUNNING,
            params=params,
            distributions=self.space.distributions(params),
        )
        trial_id = self.storage.create_new_trial(study_id(self.study), template_trial=trial)
        self._reported_epochs.pop(index, None)
        self._trial_numbers[index] = self.storage.get_trial_number_from_id(trial_id)

    def add_earlier(
        self,
        values: Mapping[str, Any],
        state: str,
        value: float | list[float] | None,
        reports: Mapping[int, float],
    ) -> None:
        """Take up an ended point of an earlier study, which has no index in this one."""
        import optuna

        params = self.space.params_of(values)
        if params is None:
            return
        objective_values = [value] if isinstance(value, float) else value
        trial = optuna.trial.create_trial(
            state=optuna.trial.TrialState[state],
            params=params,
            distributions=self.space.distributions(params),
            values=objective_values if state == "COMPLETE" else None,
            intermediate_values=dict(reports) if self._has_one_objective else None,
        )
        self.study.add_trial(trial)
        self.start.shorten()

    # --- telling ---

    def reported_epochs(self, index: int) -> int:
        """The last epoch of a point that Optuna has seen, 0 before the first."""
        return self._reported_epochs.get(index, 0)

    def report(self, index: int, epoch: int, value: float) -> None:
        """Pass on what a running point has shown.

        Optuna has no reports where there are several objectives: nothing is passed on there.
        """
        if index in self._trial_numbers and self._has_one_objective:
            self._reported_epochs[index] = epoch
            self.storage.set_trial_intermediate_value(self._trial_id(index), epoch, value)

    def take_back_reports(self, index: int, values: Mapping[str, Any]) -> None:
        """Take back what was reported of a point that is still running."""
        if self.reported_epochs(index):
            self.take_back_end(index, values)

    def tell(self, index: int, state: str, value: float | list[float] | None) -> None:
        """Tell how a point ended: COMPLETE with its value, PRUNED with its reports, or FAIL."""
        import optuna

        if index not in self._trial_numbers:
            return
        if state != "FAIL":
            self._feasibility.learn(self._params(index), fits=True)
        self.study.tell(
            self._trial_numbers[index],
            value if state == "COMPLETE" else None,
            state=optuna.trial.TrialState[state],
        )

    def tell_infeasible(self, index: int, *, fits: bool) -> None:
        """Tell that a point's recipe fails by itself; ``fits`` is whether it fits in memory.

        It is told as PRUNED with a violated constraint. From FAIL no sampler would learn to keep
        away from the region.
        """
        import optuna

        from study.sampling.optuna_internals import violate_constraint

        if index not in self._trial_numbers:
            return
        if not fits:
            self._feasibility.learn(self._params(index), fits=False)
        violate_constraint(
            self.storage, self._trial_id(index), ENDS_CONSTRAINT if fits else FITS_CONSTRAINT
        )
        with warnings.catch_warnings():
            # cmaes says that it makes no use of constraints: it leaves such points out
            warnings.filterwarnings("ignore", message="Constraints have been set")
            self.study.tell(self._trial_numbers[index], state=optuna.trial.TrialState.PRUNED)

    def knows_end_of(self, index: int) -> bool:
        """Whether Optuna was told how the point ended."""
        if index not in self._trial_numbers:
            return False
        return self.storage.get_trial(self._trial_id(index)).state.is_finished()

    def take_back_end(self, index: int, values: Mapping[str, Any]) -> None:
        """Take back what was told of a point; it counts as running until it is told again."""
        self._hide(self._trial_numbers[index])
        self.add(index, values)

    def forget(self, index: int) -> None:
        """Leave a point out of what is learned; a state beside the trials keeps what it has."""
        if index not in self._trial_numbers:
            return
        self._feasibility.forget(self._params(index))
        is_told = self.knows_end_of(index)
        number = self._trial_numbers.pop(index)
        if not is_told:
            self._discard(number)
        elif not self._has_hidden_state:
            self._hide(number)

    def _hide(self, number: int) -> None:
        """Show samplers one of Optuna's trials no more."""
        self._taken_back.add(number)
        self.storage.is_shown = lambda trial: trial.number not in self._taken_back

    # --- Optuna's names ---

    def _params(self, index: int) -> dict[str, Any]:
        return self.storage.get_trial(self._trial_id(index)).params

    def _trial_id(self, index: int) -> int:
        from study.sampling.optuna_internals import study_id

        return self.storage.get_trial_id_from_study_id_trial_number(
            study_id(self.study), self._trial_numbers[index]
        )
