"""Proposals: one Optuna study in memory, asked for points and told the truth about them.

The Optuna study is never stored. It is rebuilt by telling it again what the journal says; samplers
that hide state of their own beside the trials (cmaes, nsga2, qmc, a user's) are also asked again,
so that they come to the same state. The sampler is made anew for each proposal, with a seed that
depends on the proposal's number alone, so nothing is replayed and nothing depends on when a study
was interrupted.
"""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any

from study.sampling.memory_feasibility import Feasibility
from study.sampling.seeds import point_seed

if TYPE_CHECKING:
    import optuna
    from optuna.storages import InMemoryStorage
    from optuna.trial import FrozenTrial

    from search_spaces.space import Space
    from study.spec.samplers import SamplerChoice
    from study.spec.sections import Objective

_BLIND = frozenset({"random", "qmc", "grid", "first-only"})
"""Samplers whose proposals don't depend on results."""
FITS, ENDS = "fits_in_memory", "comes_to_its_end"
"""Constraints that a point violates whose recipe fails by itself."""
_DRAWS = 20
"""How often a point that is not expected to fit in memory is drawn again."""


class Proposer:
    """The proposals of one arm of a study (the whole of it, or one level of its scientific
    factors).

    Points are known here by their index in the arm. Points outside the space are unknown to Optuna,
    which numbers its trials for itself.
    """

    def __init__(
        self, space: Space, sampler: SamplerChoice, objectives: tuple[Objective, ...], arm: int = 0
    ) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
        self.space = space
        self.spec = sampler
        self.arm = arm
        self.blind = sampler.name in _BLIND
        self.single = len(objectives) == 1
        self._hides_state = sampler.name in ("cmaes", "nsga2", "qmc") or ":" in sampler.name
        self._grid = space.grid() if sampler.name == "grid" else None
        self._feasibility = Feasibility()
        self._numbers: dict[int, int] = {}
        self._reports: dict[int, int] = {}
        self._revised: set[int] = set()
        self.storage = _storage_without(self._revised)
        self.study = optuna.create_study(
            storage=self.storage,
            directions=[objective.direction for objective in objectives],
            sampler=optuna.samplers.RandomSampler(seed=0),
        )

    @property
    def exhausted(self) -> bool:
        """Whether there is nothing left to propose: a grid used up, or no sampler at all."""
        return self.spec.name == "first-only" or self._grid == []

    def propose(self, index: int) -> dict[str, Any]:
        """The values of the arm's point ``index``, by dotted recipe path; the point counts as
        running from here.
        """
        if self._grid is None:
            return self._draw(index)
        return self._grid.pop(0)

    @property
    def forgets(self) -> bool:
        """Whether a proposal can be taken back: not where the sampler keeps a state beside the
        trials, or a list.
        """
        return not self._hides_state and self._grid is None and not self.exhausted

    def forget(self, index: int) -> None:
        """Take the proposal of the arm's point ``index`` back: told as FAIL, from which no sampler
        learns.
        """
        import optuna

        self.study.tell(self._numbers.pop(index), state=optuna.trial.TrialState.FAIL)

    def _draw(self, index: int) -> dict[str, Any]:
        """A point that is expected to fit in memory: the sampler's own, or one at random where it
        insists.

        Draws that were turned down count for nothing: they are told as FAIL, from which no sampler
        learns.
        """
        import optuna

        for draw in range(_DRAWS):
            seed = self._seed(index, draw)
            own = draw < _DRAWS // 2 or self._hides_state
            self.study.sampler = (
                make_sampler(self.spec, seed) if own else optuna.samplers.RandomSampler(seed=seed)
            )
            trial = self.study.ask()
            values = self.space.ask(trial)
            if self._hides_state or draw == _DRAWS - 1 or self._feasibility.expects(trial.params):
                break
            self.study.tell(trial, state=optuna.trial.TrialState.FAIL)
        self._numbers[index] = trial.number
        self._forget_phantoms(index)
        return values

    def _forget_phantoms(self, index: int) -> None:
        """Drop TPE's note of the parameters that it drew for branches not taken.

        While a trial runs they would count as its own; after a resume, which knows only what was
        run, they would not.
        """
        identifier = self._identifier(index)
        for key in self.storage.get_trial_system_attrs(identifier):
            if key.startswith("tpe:relative_params"):
                self.storage.set_trial_system_attr(identifier, key, "")

    def replay(self, index: int, values: Mapping[str, Any]) -> None:
        """Take up a proposal that the journal holds."""
        import optuna

        if not self._hides_state:
            self.add(index, values)
            return
        # asked again with the same seed, after the same tells, the sampler comes to the same values
        # and hidden state
        self.study.sampler = make_sampler(self.spec, self._seed(index))
        trial = self.study.ask()
        again = self.space.ask(trial)
        if self.space.params_of(again) == self.space.params_of(values):
            self._numbers[index] = trial.number
        else:  # another version of the sampler: what the journal says was run counts
            self.study.tell(trial, state=optuna.trial.TrialState.FAIL)
            self.add(index, values)

    def add(self, index: int, values: Mapping[str, Any]) -> bool:
        """Take up a point that wasn't proposed; False where its values don't lie in the space."""
        import optuna

        params = self.space.params_of(values)
        if params is None:
            return False
        if self._grid is not None:  # whoever asked for it, a point of the grid is run once
            self._grid = [point for point in self._grid if self.space.params_of(point) != params]
            return True
        trial = optuna.trial.create_trial(
            state=optuna.trial.TrialState.RUNNING,
            params=params,
            distributions=self.space.distributions(params),
        )
        identifier = self.storage.create_new_trial(self.study._study_id, template_trial=trial)
        self._reports.pop(index, None)
        self._numbers[index] = self.storage.get_trial_number_from_id(identifier)
        return True

    def has_told(self, index: int) -> bool:
        """Whether Optuna knows the point's outcome."""
        return (
            index in self._numbers
            and self.storage.get_trial(self._identifier(index)).state.is_finished()
        )

    def revise(self, index: int, values: Mapping[str, Any]) -> None:
        """Take back what was told of a point; it counts as running until it is told again."""
        self._revised.add(self._numbers[index])
        self.add(index, values)

    def remember(
        self,
        values: Mapping[str, Any],
        state: str,
        value: float | list[float] | None,
        reports: Mapping[int, float],
    ) -> None:
        """Take up an ended point of an earlier study, which has no number in this one."""
        import optuna

        params = self.space.params_of(values)
        if params is None:
            return
        outcome = optuna.trial.TrialState[state]
        complete = outcome is optuna.trial.TrialState.COMPLETE
        trial = optuna.trial.create_trial(
            state=outcome,
            params=params,
            distributions=self.space.distributions(params),
            values=([value] if isinstance(value, float) else value) if complete else None,
            intermediate_values=dict(reports) if self.single else None,
        )
        self.study.add_trial(trial)

    def reported(self, index: int) -> int:
        """The last epoch that Optuna has seen of a point."""
        return self._reports.get(index, 0)

    def report(self, index: int, epoch: int, value: float) -> None:
        """What a running point has shown; nothing where there are several objectives, which Optuna
        can't report.
        """
        if index in self._numbers and self.single:
            self._reports[index] = epoch
            self.storage.set_trial_intermediate_value(self._identifier(index), epoch, value)

    def tell(self, index: int, state: str, value: float | list[float] | None) -> None:
        """What became of a point: COMPLETE with its value, PRUNED with its reports, or FAIL."""
        import optuna

        if index not in self._numbers:
            return
        outcome = optuna.trial.TrialState[state]
        values = value if outcome is optuna.trial.TrialState.COMPLETE else None
        if state != "FAIL":
            self._feasibility.learn(self._params(index), fitted=True)
        self.study.tell(self._numbers[index], values, state=outcome)

    def forget_reports(self, index: int, values: Mapping[str, Any]) -> None:
        """Take back what was reported of a point that is still running."""
        if self.reported(index):
            self.revise(index, values)

    def tell_infeasible(self, index: int, *, fits: bool = False) -> None:
        """The point's recipe fails by itself, where it doesn't even fit in memory: PRUNED with a
        violated constraint.

        TPE never learns from FAIL, so this is how the region comes to be avoided.
        """
        import optuna

        if index not in self._numbers:
            return
        if not fits:
            self._feasibility.learn(self._params(index), fitted=False)
        self.storage.set_trial_system_attr(
            self._identifier(index), f"constraints:{ENDS if fits else FITS}", 1.0
        )
        with (
            warnings.catch_warnings()
        ):  # cmaes says that it makes no use of constraints: it leaves such points out
            warnings.filterwarnings("ignore", message="Constraints have been set")
            self.study.tell(self._numbers[index], state=optuna.trial.TrialState.PRUNED)

    def _params(self, index: int) -> dict[str, Any]:
        return self.storage.get_trial(self._identifier(index)).params

    def _identifier(self, index: int) -> int:
        return self.storage.get_trial_id_from_study_id_trial_number(
            self.study._study_id, self._numbers[index]
        )

    def _seed(self, index: int, draw: int = 0) -> int:
        # a quasi-random sequence is one sequence: its points share a scrambling, and its position
        # is in the study
        return point_seed(self.spec.seed, self.arm, 0 if self.spec.name == "qmc" else index, draw)


def _storage_without(numbers: Collection[int]) -> InMemoryStorage:
    """Trials in memory, of which those with these numbers are not shown."""
    from optuna.storages import InMemoryStorage

    class Shown(InMemoryStorage):
        def get_all_trials(
            self, study_id: int, deepcopy: bool = True, states: Any = None
        ) -> list[FrozenTrial]:
            trials = super().get_all_trials(study_id, deepcopy, states)
            return [trial for trial in trials if trial.number not in numbers] if numbers else trials

    return Shown()


def make_sampler(spec: SamplerChoice, seed: int) -> optuna.samplers.BaseSampler:
    """An Optuna sampler by our name for it, with the study file's options."""

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if ":" in spec.name:
            module, _, factory = spec.name.partition(":")
            made: optuna.samplers.BaseSampler = getattr(importlib.import_module(module), factory)(
                seed=seed, **spec.options
            )
            return made
        return _sampler_class(spec.name)(**effective_options(spec), seed=seed)


_DEFAULTS: dict[str, dict[str, Any]] = {
    "tpe": {"multivariate": True, "group": True, "constant_liar": True},
    "cmaes": {"warn_independent_sampling": False},
    "gp": {"warn_independent_sampling": False},
    "qmc": {
        "scramble": True,
        "warn_independent_sampling": False,
        "warn_asynchronous_seeding": False,
    },
}
"""Options that differ from Optuna's: for conditional spaces, for points asked for in parallel, and
for silence.
"""


def effective_options(spec: SamplerChoice) -> dict[str, Any]:
    """The options that the sampler is made with, beside its seed."""
    return {**_DEFAULTS.get(spec.name, {}), **spec.options}


def _sampler_class(name: str) -> Callable[..., optuna.samplers.BaseSampler]:
    import optuna

    classes: dict[str, Callable[..., optuna.samplers.BaseSampler]] = {
        "tpe": optuna.samplers.TPESampler,
        "random": optuna.samplers.RandomSampler,
        "cmaes": optuna.samplers.CmaEsSampler,
        "gp": optuna.samplers.GPSampler,
        "nsga2": optuna.samplers.NSGAIISampler,
        "qmc": optuna.samplers.QMCSampler,
    }
    return classes[name]
