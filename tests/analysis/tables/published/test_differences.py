from __future__ import annotations

from typing import Any

from analysis.rendering import FORMS, Table
from analysis.results import load
from analysis.tables.published.published import published_table

ADAM = {"optimizer.name": "adam", "optimizer.lr": 1e-3, "accumulation": 1}


SCALED = """\
study: digits-momentum
points: 2
recipe: {epochs: 3}
space: {optimizer: {one_of: {adam: {lr: {log: [1e-5, 1e-2]}}}}, accumulation: {choice: [1, 2]}}
overrides: {data.train_images: 256, epochs: 3}
first:
  - set: {optimizer: {name: adam, lr: 1e-3}, accumulation: 1, epochs: 101}
    published: [{end: true, val_accuracy: 0.5, epoch_seconds: 10}, {epoch: 100, val_accuracy: 0.9, seconds: 400}]
"""


def column(shown: Table, name: str) -> list[Any]:
    position = [header.name for header in shown.headers].index(name)
    return [row[position] for row in shown.rows]


def test_a_scaled_down_replica_is_flagged_in_every_row(make: Any) -> None:
    study = make(spec=SCALED)
    study.complete_point(ADAM, [0.4], origin="first", entry=0)
    shown = published_table(load(study.paths))
    assert column(shown, "note") == [
        "other settings; seconds are of one epoch",
        "not reached; other settings",
    ]
    assert (column(shown, "epoch"), column(shown, "our epoch")) == (["end", "100"], [3, 3])
    assert column(shown, "our seconds") == [2.5, 7.5]
    assert shown.title == "Published figures and ours, which were trained with other settings"
    assert "data.train_images 256 (published all), epochs 3 (published 101)" in shown.notes[0]
    for form in FORMS:
        assert "other settings" in shown.render(form), form


def test_settings_that_are_set_to_what_was_published_differ_in_nothing(make: Any) -> None:
    study = make(spec=SCALED.replace("{data.train_images: 256, epochs: 3}", "{epochs: 101}"))
    study.complete_point(ADAM, [0.4], origin="first", entry=0)
    shown = published_table(load(study.paths))
    assert shown.title == "Published figures and ours"
    assert not any("settings" in str(note) for note in column(shown, "note"))
