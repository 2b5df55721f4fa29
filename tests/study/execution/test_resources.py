"""What a machine or cluster has room for, and the modules and images that a study needs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from study.errors import DataMissing, UserError
from study.execution.resources import (
    check_data,
    check_fits,
    check_modules,
    code_names,
    data_place,
    factories,
    file_faults,
    machine_gpus,
    machine_resources,
    own_sets,
    trial_capacity,
)
from study.execution.run import ProgressDisplay
from study.spec.load import spec_from_tree
from study.spec.sections import Resources
from study.spec.spec import StudySpec

from ..fake_cluster import small_spec
from ..training.data.pictures import write_pictures

THIRDS = replace(small_spec(), resources=Resources(cpus=2, gpus=1 / 3))


def test_a_trial_lies_on_one_node() -> None:
    assert trial_capacity(THIRDS, [{"CPU": 8, "GPU": 1}]) == 3
    assert trial_capacity(THIRDS, [{"CPU": 3, "GPU": 1}, {"CPU": 3, "GPU": 1}]) == 2
    assert trial_capacity(THIRDS, [{"CPU": 1, "GPU": 1}] * 8) == 0
    assert trial_capacity(THIRDS, [{"CPU": 64}]) == 0
    assert trial_capacity(THIRDS, []) == 0


@pytest.mark.parametrize(
    ("share", "gpus", "trials"), [(0.4, 2, 4), (0.3, 8, 24), (0.75, 8, 8), (0.2, 1, 5), (1, 3, 3)]
)
def test_a_share_lies_on_one_gpu(share: float, gpus: int, trials: int) -> None:
    spec = replace(small_spec(), resources=Resources(cpus=1, gpus=share))
    assert trial_capacity(spec, [{"CPU": 64, "GPU": gpus}]) == trials


def test_a_study_for_which_there_is_no_room_is_refused_with_what_there_is() -> None:
    check_fits(THIRDS, [{"CPU": 2, "GPU": 1}], "this machine")
    with pytest.raises(
        UserError, match=r"wants 2 CPUs and 0\.333.* GPUs, and this machine has 1 C"
    ):
        check_fits(THIRDS, [{"CPU": 1}], "this machine")
    with pytest.raises(UserError, match="of this cluster no node has that, but at most 1 CPUs and"):
        check_fits(THIRDS, [{"CPU": 1, "GPU": 2}, {"CPU": 1}], "this cluster")


@pytest.mark.parametrize(("visible", "count"), [("", 0), ("-1", 0), ("0", 1), ("2,3", 2)])
def test_gpus_that_this_process_may_not_use_do_not_count(
    visible: str, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert machine_gpus() == count
    assert machine_resources(small_spec())["GPU"] == 0, "a study that wants none asks for none"
    assert machine_resources(THIRDS)["GPU"] == count


def test_modules_are_looked_for_and_not_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text("raise RuntimeError('loaded')")
    choices = {"model": {"name": {"choice": ["mine:net", "nomod.nets:net"]}}}
    tree = {"study": "s", "points": 2, "question": "why:not", "recipe": {"epochs": 1}}
    spec = spec_from_tree(tree | {"space": choices})
    assert set(factories(spec.tree())) == {"mine:net", "nomod.nets:net"}
    with pytest.raises(UserError, match=f"found no module nomod in {tmp_path}"):
        check_modules(spec)
    (tmp_path / "nomod").mkdir()
    check_modules(spec)


def test_images_that_lie_there_are_not_looked_for_elsewhere(tmp_path: Path) -> None:
    spec = small_spec(recipe={"epochs": 1, "data": {"name": "cifar10"}})
    (tmp_path / "cifar-10-batches-py").mkdir()
    check_data(spec, str(tmp_path))
    check_data(small_spec(recipe={"epochs": 1, "data": {"name": "digits"}}), str(tmp_path / "none"))


def test_the_images_of_every_point_are_looked_for_and_no_others(
    tmp_path: Path, bucket: object
) -> None:
    (tmp_path / "cifar-10-batches-py").mkdir()
    listed = {"recipe": {"data": "mnist"}, "first": [{"set": {"data": {"name": "cifar10"}}}]}
    check_data(spec_from_tree({"study": "s", "sampler": "first-only", **listed}), str(tmp_path))
    drawn = {"recipe": {}, "space": {"data": {"name": {"choice": ["digits", "mnist"]}}}}
    with pytest.raises(DataMissing, match="mnist"):
        check_data(spec_from_tree({"study": "s", "points": 2, **drawn}), str(bucket))
    searched = {"study": "s", "points": 2, **listed, "space": {"epochs": {"int": [1, 2]}}}
    with pytest.raises(DataMissing, match="mnist"):
        check_data(spec_from_tree(searched), str(bucket))


def test_images_that_an_object_store_lacks_are_not_downloaded_into_it(bucket: object) -> None:
    spec = small_spec(recipe={"epochs": 1, "data": {"name": "cifar10"}})
    with pytest.raises(DataMissing, match="holds none of the folders cifar-10-batches-bin, "):
        check_data(spec, str(bucket))


def test_images_lie_where_it_is_said_else_below_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("STUDY_DATA_DIR", raising=False)
    assert str(data_place(None)) == str(tmp_path / "data")
    monkeypatch.setenv("STUDY_DATA_DIR", "images")
    assert str(data_place(None)) == str(tmp_path / "images")
    assert str(data_place("s3://bucket/images")) == "s3://bucket/images"


def test_texts_in_an_own_trainings_config_name_no_code() -> None:
    tree = {
        "study": "s",
        "train": "segment:train",
        "epoch_cost": "segment:cost",
        "objective": {"metric": "iou", "direction": "maximize"},
        "points": 1,
        "recipe": {"data": "squad:validation"},
        "space": {"start": {"choice": ["hub:small", "hub:large"]}},
        "first": [{"set": {"start": "hub:base"}}],
    }
    assert code_names(spec_from_tree(tree)) == ("segment:cost", "segment:train")


class Shown(ProgressDisplay):
    """Keeps what is said and done."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, message: str) -> None:
        self.said.append(message)

    def doing(self, what: str) -> None:
        self.said.append(what)


def files_spec(path: Path, **data: object) -> StudySpec:
    recipe = {"data": {"name": "folder", "path": str(path), **data}, "epochs": 1}
    space = {"optimizer.lr": {"log": [1e-3, 1e-1]}}
    return spec_from_tree({"study": "files", "points": 2, "recipe": recipe, "space": space})


def test_own_files_are_read_before_the_first_trial_and_faults_are_at_their_keys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temp"))
    for part in ("train", "val"):
        write_pictures(tmp_path / "pictures" / part, 3)
    shown = Shown()
    assert file_faults(files_spec(tmp_path / "pictures"), None, shown) == []
    assert "reading data, 12 of 12" in shown.said
    assert shown.said[-1] == ""
    again = Shown()
    spec = files_spec(tmp_path / "pictures", validation={"fraction": 0.1})
    (fault,) = file_faults(spec, None, again)
    assert fault.path == ("recipe", "data", "validation", "fraction")
    (tmp_path / "pictures" / "val" / "dark" / "000.png").write_bytes(b"")
    (fault,) = file_faults(files_spec(tmp_path / "pictures"), None, again)
    assert fault.path == ("recipe", "data", "path")
    assert "val/dark/000.png: it is empty" in fault.found
    left_out = files_spec(tmp_path / "pictures", skip_broken=True)
    assert file_faults(left_out, None, again) == []
    assert "note: files that can't be decoded are left out: 1" in again.said[-1]
    (fault,) = file_faults(files_spec(tmp_path / "nowhere"), None, again)
    assert fault.must == "must be a folder that is there"
    assert file_faults(small_spec(), None, again) == []


def test_each_set_that_a_point_can_have_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temp"))
    for name in ("photos", "drawings", "scans"):
        write_pictures(tmp_path / name, 3)
    (tmp_path / "drawings" / "dark" / "000.png").write_bytes(b"")
    augment = ["random_resized_crop", {"name": "randaugment", "magnitude": 5}, "mixup"]
    data = {"name": "folder", "path": str(tmp_path / "photos"), "image_size": 8, "augment": augment}
    space = {
        "data.path": {"choice": [str(tmp_path / name) for name in ("photos", "drawings")]},
        "data.channels": {"choice": [1, 3]},
        "data.batch_size": {"int": [1, 1000]},
        "optimizer.lr": {"log": [1e-3, 1e-1]},
    }
    first = [{"set": {"data": {"path": str(tmp_path / "scans"), "name": "folder"}}}]
    tree = {"study": "s", "points": 2, "recipe": {"data": data}, "space": space, "first": first}
    spec = spec_from_tree(tree)
    found = [(Path(str(each.path)).name, each.channels) for each in own_sets(spec)]
    both = [("photos", 1), ("photos", 3), ("drawings", 1), ("drawings", 3)]
    assert sorted(found[:4]) == sorted(both)
    assert [name for name, _ in found[4:]] == ["scans"]
    shown = Shown()
    (fault,) = file_faults(spec, None, shown)
    assert fault.path[:3] == ("space", "data", "path")
    assert fault.found.endswith(f"it is empty in {tmp_path / 'drawings'}")
    assert shown.said.count("") == 5, "each of them"
