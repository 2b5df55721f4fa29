"""All trials of one study see the same images."""

from __future__ import annotations

from study.controller.data_sets import DataSets, images_hash
from study.controller.next_work import Assignment

from ..fake_cluster import Storage, controller_on, curve, small_spec

FINGERPRINT = "abc123, train 10, validation 2, test 3, seed 0"


def test_a_trial_is_handed_the_hash_of_the_images_that_those_before_it_had() -> None:
    controller = controller_on(Storage(), small_spec(pruner="none"))
    first = controller.next()
    assert isinstance(first, Assignment)
    assert first.data_hash == ""
    for epoch in range(1, 7):
        row = {"epoch": epoch, "last": epoch == 6, **curve(first.recipe, epoch)}
        controller.reported(first.trial, 1, row)
    controller.finished(first.trial, 1, "epochs", {"data_fingerprint": FINGERPRINT})
    second = controller.next()
    assert isinstance(second, Assignment)
    assert second.data_hash == "abc123"


def test_a_name_chooses_images_and_a_factory_does_so_by_all_that_it_is_called_with() -> None:
    data_sets = DataSets(small_spec())
    controller = controller_on(Storage(), small_spec())
    controller.next()
    trial = controller.history.trials[0]
    trial.summary["data_fingerprint"] = FINGERPRINT
    data_sets.note(trial, {"data.batch_size": 8})
    assert data_sets.hash_for({"data.batch_size": 16}) == "abc123"
    assert data_sets.hash_for({"data.name": "mnist"}) == ""
    own = {"data.name": "mine:images"}
    data_sets.note(trial, own | {"data.batch_size": 8})
    assert data_sets.hash_for(own | {"data.batch_size": 8}) == "abc123"
    assert data_sets.hash_for(own | {"data.batch_size": 16}) == ""


def test_the_hash_is_the_beginning_of_a_fingerprint() -> None:
    assert images_hash(FINGERPRINT) == "abc123"
    assert images_hash(None) == ""
