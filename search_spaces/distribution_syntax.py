"""From ``log: [1e-3, 1]`` and the like to a distribution, or to every fault in it."""

from __future__ import annotations

from collections.abc import Mapping

from search_spaces.distributions import Choice, Distribution, Integer, Real
from search_spaces.validation import Fault, KeyPath, describe
from search_spaces.values import Scalar, as_param, is_finite_number, is_same_value

DISTRIBUTION_KINDS = ("choice", "uniform", "log", "int", "log_int")
ACCEPTED_FORMS = (
    "choice: [...] | uniform: [lo, hi] | log: [lo, hi] | int: [lo, hi] | log_int: [lo, hi] |"
    " one_of: {...}"
)
_STEPPED = ("uniform", "int")
DISTRIBUTION_SYNONYMS = {
    "min": "log: [lo, hi]",
    "max": "log: [lo, hi]",
    "low": "uniform: [lo, hi]",
    "high": "uniform: [lo, hi]",
    "lower": "uniform: [lo, hi]",
    "upper": "uniform: [lo, hi]",
    "values": "choice",
    "value": "the plain value",
    "categorical": "choice",
    "grid_search": "choice",
    "choices": "choice",
    "distribution": "log: [lo, hi]",
    "loguniform": "log",
    "log_uniform": "log",
    "log_uniform_values": "log",
    "qloguniform": "log",
    "quniform": "uniform",
    "q_uniform": "uniform",
    "float": "uniform",
    "range": "int",
    "randint": "int",
    "int_uniform": "int",
    "qrandint": "int",
    "lograndint": "log_int",
    "q": "step",
    "oneof": "one_of",
    "oneOf": "one_of",
}
"""Words of W&B sweeps, Ray Tune and Optuna for ours."""

_LARGEST_STEP_COUNT = 2**53


def read_distribution(
    tree: Mapping[str, object], place: KeyPath
) -> tuple[Distribution | None, list[Fault]]:
    """Return the distribution that ``tree`` writes, or None with its faults.

    ``tree`` holds one of ``DISTRIBUTION_KINDS``; the faults lie below ``place``, where it stands.
    """
    word = next(word for word in DISTRIBUTION_KINDS if word in tree)
    accepted = f"{word} | step" if word in _STEPPED else word
    must = f"must not stand beside {word}"
    extra = [key for key in tree if key not in (word, "step")]
    faults = [Fault((*place, key), must, describe(key), accepted, on_key=True) for key in extra]
    if tree.get("step") is not None and word not in _STEPPED:
        accepted = f"a step with {' or '.join(_STEPPED)}"
        faults.append(
            Fault(
                (*place, "step"),
                f"must be left out with {word}",
                describe(tree["step"]),
                accepted,
                on_key=True,
            )
        )
    read = _read_choice if word == "choice" else _read_range
    found, more = read(word, tree, place)
    return (None if faults else found), faults + more


def _read_choice(
    word: str, tree: Mapping[str, object], place: KeyPath
) -> tuple[Choice | None, list[Fault]]:
    at, values = (*place, word), tree[word]
    if not isinstance(values, list) or not values:
        return None, [Fault(at, "must be a list of at least one value", describe(values))]
    faults: list[Fault] = []
    seen: set[tuple[bool, Scalar]] = set()
    for index, value in enumerate(values):
        key = (isinstance(value, bool), as_param(value))
        if key in seen:
            faults.append(Fault((*at, index), "must not be a choice twice", describe(value)))
        seen.add(key)
    return (None if faults else Choice(tuple(values))), faults


def _read_range(
    word: str, tree: Mapping[str, object], place: KeyPath
) -> tuple[Real | Integer | None, list[Fault]]:
    at, bounds = (*place, word), tree[word]
    if not isinstance(bounds, list) or len(bounds) != 2:
        return None, [
            Fault(at, "must be two bounds", describe(bounds), "[low, high], both included")
        ]
    whole, log = word in ("int", "log_int"), word in ("log", "log_int")
    faults = [
        fault
        for index, bound in enumerate(bounds)
        for fault in _bound_faults(word, bound, (*at, index))
    ]
    if faults:
        return None, faults
    low, high = bounds
    if low > high:
        return None, [
            Fault(
                at,
                "must be [low, high]",
                describe(bounds),
                "",
                f"[{describe(high)}, {describe(low)}]",
            )
        ]
    step = tree.get("step") if word in _STEPPED else None
    faults = _step_faults(word, low, high, step, (*place, "step"))
    if faults:
        return None, faults
    if whole:
        return Integer(low, high, log=log, step=step if isinstance(step, int) else 1), []
    return Real(
        float(low), float(high), log=log, step=float(step) if is_finite_number(step) else None
    ), []


def _bound_faults(word: str, bound: object, at: KeyPath) -> list[Fault]:
    whole = word in ("int", "log_int")
    if not is_finite_number(bound) or (whole and isinstance(bound, float)):
        return [
            Fault(at, f"must be {'an integer' if whole else 'a finite number'}", describe(bound))
        ]
    if word in ("log", "log_int") and bound <= 0:
        return [Fault(at, f"must be greater than 0 with {word}", describe(bound))]
    return []


def _step_faults(word: str, low: float, high: float, step: object, at: KeyPath) -> list[Fault]:
    if step is None:
        return []
    if not is_finite_number(step) or step <= 0 or (word == "int" and isinstance(step, float)):
        return [
            Fault(
                at,
                f"must be {'an integer' if word == 'int' else 'a number'} greater than 0",
                describe(step),
            )
        ]
    if (high - low) / step > _LARGEST_STEP_COUNT:
        return [Fault(at, "must not be lost beside the bounds", describe(step))]
    if not is_same_value(Real(low, high, step=step).last, high):
        return [Fault(at, f"must lead from {low} to {high} in whole steps", describe(step))]
    return []
