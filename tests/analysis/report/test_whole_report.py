"""A method study with confirmation, racing, pruning and failures: every table and the report, read
as a reader does.
"""

from __future__ import annotations

import math
import random
import re
from pathlib import Path
from typing import Any

import pytest

from analysis.rendering import FORMS
from analysis.report.report import write_report
from analysis.report.summary import answer_sentences
from analysis.results import Results, load
from analysis.tables.kinds import KINDS, make_kind

from ..conftest import Maker

SPEC = """\
study: whole
question: Is SGD or AdamW better for a small network on digits, each at its own learning rate?
objective: {metric: val_accuracy, direction: maximize}
points: 24
replicates: 3
pruner: {name: asha, min_epochs: 1, reduction: 2}
recipe: {model: small_cnn, data: {name: digits, batch_size: 64}, epochs: 3}
space:
  optimizer:
    one_of:
      sgd: {lr: {log: [1e-3, 1]}, momentum: {uniform: [0, 0.99]}}
      adamw: {lr: {log: [1e-5, 1e-2]}}
  accumulation: {choice: [1, 2]}
  model: {norm: {choice: [none, every_conv]}}
roles: {scientific: [optimizer.name], nuisance: [optimizer.lr, optimizer.momentum]}
mode: method-study
racing: {threshold: 0.02}
confirm: {top: 2, replicates: 4, against: "first[0]"}
first:
  - set: {optimizer: {name: adamw, lr: 1e-3}, accumulation: 1, model.norm: none}
"""
SAID = {"data_fingerprint": "abc, train 1257, validation 180, test 360, seed 0"}


def settings(draw: random.Random, number: int) -> tuple[dict[str, Any], float]:
    """A point's values and its true height."""
    sgd = number % 2 == 0
    lr = 10 ** (draw.uniform(-3, 0) if sgd else draw.uniform(-5, -2))
    values = {
        "accumulation": draw.choice([1, 2]),
        "model.norm": draw.choice(["none", "every_conv"]),
    }
    values |= {"optimizer.name": "sgd" if sgd else "adamw", "optimizer.lr": lr}
    values |= {"optimizer.momentum": draw.uniform(0, 0.99)} if sgd else {}
    return values, 0.92 - 0.03 * (math.log10(lr) + (1 if sgd else 3)) ** 2


def trial(study: Maker, point: int, seed: int, accuracy: float, kind: str = "search") -> None:
    number = study.start(point, seed, kind)
    for epoch, share in enumerate((0.7, 0.9, 1.0), start=1):
        study.report(number, epoch, accuracy * share)
    study.finish(number, test_accuracy=accuracy - 0.03, **SAID)


def fill(study: Maker, draw: random.Random) -> None:
    found: list[tuple[float, int, float]] = []
    for number in range(24):
        values, height = settings(draw, number)
        if number == 1:
            values = {
                "optimizer.name": "adamw",
                "optimizer.lr": 1e-3,
                "accumulation": 1,
                "model.norm": "none",
            }
        point = study.point(
            values, origin="first" if number == 1 else "sampler", entry=0 if number == 1 else None
        )
        seeds = [round((height + draw.gauss(0, 0.008)) * 180) / 180 for _ in range(3)]
        if number in (6, 9):
            study.fail(study.start(point, 0), "diverged")
            study.tell(point, "FAIL", None)
        elif height < 0.85 and number != 1:
            first = study.start(point, 0)
            study.report(first, 1, seeds[0] * 0.7)
            study.prune(first, 1)
            study.tell(point, "PRUNED", None)
        else:
            ran = seeds[: 1 if height < 0.89 and number != 1 else 3]
            for seed, accuracy in enumerate(ran):
                trial(study, point, seed, accuracy)
            study.tell(point, "COMPLETE", sum(ran) / len(ran))
            found.append((-sum(ran) / len(ran) if len(ran) == 3 else 0.0, point, height))
    best = [entry for arm in (0, 1) for entry in sorted(e for e in found if e[1] % 2 == arm)[:2]]
    for _, point, height in dict.fromkeys([*best, *(entry for entry in found if entry[1] == 1)]):
        for seed in range(1000, 1004):
            trial(study, point, seed, round((height + draw.gauss(0, 0.008)) * 180) / 180, "confirm")
    study.close()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Results:
    study = Maker(tmp_path_factory.mktemp("whole"), "whole", SPEC, seeds="whole")
    fill(study, random.Random(4))
    return load(study.paths)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("form", FORMS)
def test_no_table_holds_a_figure_that_is_none(whole: Results, kind: str, form: str) -> None:
    assert not re.search(r"\bnan\b|\bNone\b|<NA>", make_kind(kind, whole).render(form))


def test_every_kind_of_table_that_this_study_can_fill_is_filled(whole: Results) -> None:
    assert [kind for kind in KINDS if not make_kind(kind, whole).rows] == ["published"]


def test_the_report_names_one_best_point_and_no_figure_that_is_none(whole: Results) -> None:
    page = write_report(whole.study.paths).read_text()
    text = re.sub(r"<[^>]+>", " ", page)
    assert not re.search(r"\bnan\b|\bNone\b|&lt;NA&gt;", text)
    best = whole.best()["point"]
    assert f"fresh seeds point {best} has the highest val_accuracy" in answer_sentences(whole)[0]
    assert make_kind("leaderboard", whole).rows[0][1] == best
    assert make_kind("confirmation", whole).rows[0][0] == best


def test_the_report_and_the_table_of_winners_give_one_verdict(whole: Results) -> None:
    (row,) = make_kind("winners", whole).rows
    (sentence,) = [
        text for text in answer_sentences(whole) if text.startswith("Of each optimizer.name")
    ]
    told = "cannot tell" not in row
    assert ("leads" in sentence) == told
    effect = next(
        row
        for row in make_kind("effects", whole).rows
        if row[0] == "optimizer.name" and row[1] == "adamw"
    )
    assert any("winners" in str(cell) for cell in effect)


def test_old_studies_say_under_which_rule_they_were_begun(tmp_path: Path) -> None:
    study = Maker(tmp_path, "old", SPEC.replace("study: whole", "study: old"))
    fill(study, random.Random(4))
    assert "begun under an older rule" in write_report(study.paths).read_text()
