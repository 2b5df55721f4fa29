"""The prices that hold for a study: its file's, over the user's settings, over the storage's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from search_spaces.validation import Fault, describe
from study.errors import UserError
from study.execution.user.settings import storage_settings, user_settings
from study.files.storage import StorageLike
from study.journal.history import History
from study.spec.parts.prices import Prices, laid_over
from study.spec.parts.tariff import Tariff

if TYPE_CHECKING:
    from study.spec.spec import StudySpec

_WHERE = "prices: {gpu_hour: …, cpu_hour: …} here or in settings.yaml"


def tariff_of(spec: StudySpec, storage: StorageLike) -> Tariff | None:
    """Return what an hour of one of the study's trials costs; None where nobody says it.

    Raises SpecError with the faults of the files of settings.
    """
    settings = laid_over(user_settings().prices.tree(), storage_settings(storage).prices.tree())
    prices = laid_over(_written(spec), settings)
    has_rates = prices.keys() - {"currency"}
    if not has_rates:
        return None
    return Tariff(prices, spec.resources.cpus, spec.resources.gpus)


def price_faults(spec: StudySpec, storage: StorageLike) -> Iterator[Fault]:
    """Refuse a budget of money where nobody says what a trial costs."""
    if spec.stop.spend is None:
        return
    tariff = tariff_of(spec, storage)
    if tariff is None or not tariff.highest_hourly():
        must = "must have prices of what a trial holds"
        yield Fault(("stop", "spend"), must, "none", _WHERE, on_key=True)


def with_user_prices(spec: StudySpec) -> StudySpec:
    """Return the spec with the user's own prices written down, for a driver on another machine."""
    prices = laid_over(_written(spec), user_settings().prices.tree())
    return replace(spec, prices=Prices.model_validate(prices)) if prices else spec


def tariff_to_go_on_with(spec: StudySpec, history: History, storage: StorageLike) -> Tariff | None:
    """Return the tariff for trials that are taken up from now on.

    Raises UserError where a budget of money has none, or the bill so far is in another currency.
    """
    for fault in price_faults(spec, storage):
        raise UserError(str(fault))
    tariff = tariff_of(spec, storage)
    before = _currencies(history)
    if tariff is not None and before - {tariff.currency}:
        found = describe(tariff.currency)
        raise UserError(
            f"prices.currency: must be what {history.study} has been paid in; found {found};"
            f" accepted {before.pop() or 'none'}"
        )
    return tariff


def _written(spec: StudySpec) -> dict[str, Any]:
    return spec.prices.tree() if spec.prices else {}


def _currencies(history: History) -> set[str]:
    """Return the currencies in which attempts were paid, which is one at most."""
    attempts = [attempt for trial in history.trials for attempt in trial.attempts]
    return {attempt.tariff.currency for attempt in attempts if attempt.tariff is not None}
