"""What a study needs of disk, processors and time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from study.inspection.preview import preview_of
from study.inspection.requirements import free_bytes
from study.spec.load import load_spec, spec_from_tree
from study.spec.sections import Resources

from .small_spec import small


def test_what_this_machine_lacks_is_a_note_and_no_error() -> None:
    spec = replace(small(), concurrency=10_000, resources=Resources(cpus=10_000, gpus=1))
    notes = preview_of(spec).notes
    assert any("10000 CPUs at once; this machine has" in note for note in notes)
    assert any("1 GPUs at once; this machine has" in note for note in notes)


def test_each_level_of_a_method_study_has_its_own_to_confirm() -> None:
    spec = small(
        mode="method-study",
        roles={"scientific": ["precision"], "nuisance": ["accumulation"]},
        confirm={"top": 1, "replicates": 3},
    )
    assert preview_of(spec, 2).confirmations == 6


def test_what_is_confirmed_and_the_best_epochs_weights_count_among_what_is_kept() -> None:
    def disk(**changes: Any) -> int:
        bare = replace(load_spec("quickstart"), confirm=None)
        return preview_of(spec_from_tree(bare.tree() | changes), 1).disk_bytes

    metric = {"metric": "val_accuracy", "direction": "maximize"}
    assert disk(objective=metric) < disk(objective=metric | {"at": "best"})
    seed = disk(replicates=2) - disk(replicates=1)
    assert seed < disk(replicates=2, confirm={"top": 2, "replicates": 1}) - disk(replicates=1)


def test_the_free_room_is_that_of_the_disk_on_which_the_folder_would_be(tmp_path: Path) -> None:
    free = free_bytes(str(tmp_path / "not" / "there" / "yet"))
    assert free is not None
    assert free > 0
    assert free_bytes("s3://bucket/studies") is None
