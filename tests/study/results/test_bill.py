"""A study's bill equals what anybody can add up from its journal."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from study.inspection.status import status_of, status_text
from study.journal.history import History
from study.journal.journal import read_records
from study.results.bill import bill_of, lost_money, trial_money

ADAM = {"optimizer.name": "adam", "optimizer.lr": 0.1, "accumulation": 1}


def added_up(records: list[dict[str, Any]]) -> float:
    """The bill of a finished journal, from nothing but its lines."""
    prices: dict[str, Any] = {}
    paid: dict[tuple[int, int], tuple[float, float]] = {}
    handed_out: dict[tuple[int, int], float] = {}
    money = before = 0.0
    for record in records:
        key = (record.get("trial", -1), record.get("attempt", -1))
        match record["event"]:
            case "priced":
                prices = record
            case "started":
                handed_out[key] = record["time"]
            case "placed":
                rates = dict(prices["prices"])
                label = (record.get("labels") or {}).get("kind")
                rates |= rates.get("by_label", {}).get("kind", {}).get(label, {})
                hourly = prices["cpus"] * rates["cpu_hour"] + prices["gpus"] * rates["gpu_hour"]
                taken_up = record["time"] - record.get("held_s", 0)
                paid[key] = (max(taken_up, handed_out[key]), hourly)
            case "finished" | "failed":
                began, hourly = paid.pop(key)
                money += (record["time"] - began) / 3600 * hourly
            case "ended" | "closed":
                gone = [each for each in paid if record["event"] == "closed" or each[0] == key[0]]
                for each in gone:
                    began, hourly = paid.pop(each)
                    # what a driver left behind had gone on until its last sign of life
                    end = before if record["event"] == "closed" else record["time"]
                    money += (end - began) / 3600 * hourly
        before = record["time"]
    return money


def random_journal(study: Any, seed: int) -> None:
    """Sessions at prices of their own, in which trials end in every way there is."""
    draw = random.Random(seed)
    waiting: list[list[int]] = []
    for session in range(draw.randint(1, 4)):
        if session:
            study.open(session)
        rates = {"gpu_hour": draw.uniform(0, 5), "cpu_hour": draw.uniform(0, 1)}
        dear = {"kind": {"dear": {"gpu_hour": draw.uniform(5, 9)}}}
        study.add(event="priced", prices={**rates, "by_label": dear}, cpus=2, gpus=0.5)
        cut_off: list[list[int]] = []
        for _ in range(draw.randint(1, 5)):
            take_up = draw.random() < 0.5 and waiting
            if take_up:
                point, trial, attempt = waiting.pop()
                study.attempt(trial, point, 0, attempt)
            else:
                point, attempt = study.point(ADAM), 1
                trial = study.start(point, 0)
            if draw.random() < 0.3:
                place = {"host": "here", "node": "n2", "pid": 3, "device": "cpu"}
                dear_kind = {"kind": "dear"}
                held_s = draw.choice([0, draw.uniform(0, 4)])
                study.add(
                    event="placed",
                    trial=trial,
                    attempt=attempt,
                    labels=dear_kind,
                    held_s=held_s,
                    **place,
                )
            study.time += draw.uniform(0, 4000)
            study.report(trial, 1, 0.5, attempt)
            study.time += draw.uniform(0, 4000)
            end = draw.choice(["finished", "pruned", "failed", "retried", "cut"])
            if end == "finished":
                study.finish(trial, attempt)
            elif end == "pruned":
                study.prune(trial, 1)
            elif end in ("failed", "retried"):
                study.fail(trial, "node", 1, attempt, retry=end == "retried")
            if end == "retried":
                waiting.append([point, trial, attempt + 1])
            elif end == "cut":
                cut_off.append([point, trial, attempt + 1])
        study.close(session, "interrupted")
        waiting += cut_off


@pytest.mark.parametrize("seed", range(25))
def test_a_bill_equals_a_recomputation_from_the_journal(make: Any, seed: int) -> None:
    study = make()
    random_journal(study, seed)
    records = read_records(study.paths.journal)
    history = History(records)
    bill = bill_of(history)
    assert bill is not None
    assert bill.money == pytest.approx(added_up(records))
    assert bill.money == pytest.approx(sum(trial_money(history, t) or 0 for t in history.trials))
    assert 0 <= bill.lost <= bill.money


def test_a_bill_keeps_the_prices_of_its_time(make: Any) -> None:
    study = make()
    study.add(event="priced", prices={"cpu_hour": 3600, "currency": "EUR"}, cpus=1, gpus=0)
    trial = study.start(study.point(ADAM), 0)
    study.time += 9
    study.finish(trial)
    study.close(0, "interrupted")
    before = bill_of(History(read_records(study.paths.journal)))
    assert before is not None
    assert (before.money, before.currency) == (10, "EUR")
    study.open(1)
    study.add(event="priced", prices={"cpu_hour": 1, "currency": "EUR"}, cpus=8, gpus=0)
    assert bill_of(History(read_records(study.paths.journal))) == before


def test_time_for_which_a_worker_had_a_trial_before_the_driver_heard_of_it_is_paid(
    make: Any,
) -> None:
    """Where an epoch takes milliseconds, the first that is heard of a trial is its end."""
    study = make()
    study.add(event="priced", prices={"cpu_hour": 3600, "currency": "EUR"}, cpus=1, gpus=0)
    trial, place = 0, {"host": "here", "node": "n", "pid": 3, "device": "cpu"}
    study.start(study.point(ADAM), 0)
    study.add(event="placed", trial=trial, attempt=1, held_s=0.75, **place)
    study.finish(trial)
    history = History(read_records(study.paths.journal))
    assert trial_money(history, history.trials[0]) == pytest.approx(1.75)


def test_lost_work_is_counted_apart(make: Any) -> None:
    study = make()
    study.add(event="priced", prices={"cpu_hour": 3600, "currency": "EUR"}, cpus=1, gpus=0)
    point = study.point(ADAM)
    trial = study.start(point, 0)
    study.report(trial, 1, 0.5)
    study.time += 9
    study.fail(trial, "node", 1, retry=True)
    study.attempt(trial, point, 0, 2, epochs=1)
    study.finish(trial, 2)
    history = History(read_records(study.paths.journal))
    assert lost_money(history.trials[0]) == 10
    status = status_of(study.paths)
    assert (status["money"], status["lost_money"], status["currency"]) == (12, 10, "EUR")
    assert "  money    12.00 EUR, 10.00 EUR of it for work done again\n" in status_text(status)


def test_work_from_before_there_were_prices_is_told_and_not_guessed(make: Any) -> None:
    study = make()
    trial = study.start(study.point(ADAM), 0)
    study.time += 3599
    study.finish(trial)
    history = History(read_records(study.paths.journal))
    assert bill_of(history) is None
    assert status_of(study.paths)["money"] is None
    assert trial_money(history, history.trials[0]) is None
    study.add(event="priced", prices={"cpu_hour": 3600}, cpus=1, gpus=0)
    trial = study.start(study.point(ADAM), 0)
    study.finish(trial)
    status = status_of(study.paths)
    assert (status["money"], status["unpriced_hours"]) == (1, 1)
    assert "1.00 h of trials were before there were prices" in status_text(status)


def test_a_trial_that_waits_for_room_costs_nothing(make: Any, tmp_path: Path) -> None:
    study = make()
    study.add(event="priced", prices={"cpu_hour": 3600}, cpus=1, gpus=0)
    point = study.point(ADAM)
    study.add(
        event="started",
        trial=0,
        point=point,
        replicate=0,
        seed=0,
        attempt=1,
        epochs=0,
        kind="search",
        substitutions={},
    )
    study.time += 1000
    study.close(0, "interrupted")
    bill = bill_of(History(read_records(study.paths.journal)))
    assert bill is not None
    assert bill.money == 0
