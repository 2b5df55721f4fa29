"""What produced a result is told whole and without secrets."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from study.controller.next_work import Assignment
from study.execution import provenance
from study.files.layout import StudyPaths
from study.files.local_storage import LocalPath
from study.journal.failure import Failure

from ..fake_cluster import Storage, controller_on, drive, small_spec


def test_a_process_tells_its_packages_machine_and_code() -> None:
    told = provenance.of_process()
    assert told["packages"]["ray"] == provenance.version("ray") != ""
    assert told["python"] == ".".join(map(str, sys.version_info[:3]))
    assert told["cpus"] >= 1
    assert json.loads(json.dumps(told)) == told
    assert provenance.version("no-package-of-this-name") == ""


def test_a_run_tells_how_its_sampler_and_pruner_are_set_up() -> None:
    told = provenance.of_run(small_spec(sampler={"name": "tpe", "seed": 7}))
    assert told["sampler"]["name"] == "tpe"
    assert told["sampler"]["seed"] == 7
    assert len(told["sampler"]) > 2, "what the sampler does by default is told as well"
    assert told["pruner"] == {"name": "asha", "min_epochs": 1, "reduction": 2}


def test_a_word_with_a_token_is_left_out_of_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["/bin/study", "run", "x.yaml", "--token=abc", "--my-TOKEN"])
    assert provenance.command() == "study run x.yaml *** ***"


@pytest.mark.parametrize(
    ("words", "recorded"),
    [
        ("study run tokenizer.yaml --points 3", "study run tokenizer.yaml --points 3"),
        (
            "study run x --set=a=1 --token abc --points 3",
            "study run x --set=a=1 *** *** --points 3",
        ),
        (
            "study run x --address http://me:pw@head:8265 --storage=s3://KEY:SECRET@bucket/p",
            "study run x --address http://***@head:8265 --storage=s3://***@bucket/p",
        ),
        ("study resume x --address me:pw@head:6379", "study resume x --address ***@head:6379"),
        ("study run st\udcff.yaml", "study run st\\udcff.yaml"),
        ("/repo/study/cli/__main__.py resume x", "study resume x"),
        ("sweep.py --password hunter2 --api-key=sk-1 secret", "sweep.py"),
    ],
)
def test_no_secret_of_a_command_is_recorded(
    words: str, recorded: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", words.split())
    assert provenance.command() == recorded
    recorded.encode()


def test_failures_that_another_run_need_not_repeat_are_listed(tmp_path: Path) -> None:
    def hurt(assignment: Assignment, epoch: int) -> Failure | None:
        if assignment.attempt > 1 or epoch > 1:
            return None
        return {0: Failure("node", "lost"), 1: Failure("error", "mine")}.get(assignment.point)

    controller = controller_on(Storage(), small_spec(points=3))
    drive(controller, hurt=hurt)
    paths = StudyPaths(LocalPath(tmp_path), "fake")
    paths.folder.make_folder()
    provenance.write(controller.history, paths)
    document = json.loads(paths.provenance.read_text())
    assert document["study"] == "fake"
    assert document["outside_the_promise"] == [{"trial": 0, "attempt": 1, "class": "node"}]
    assert [session["session"] for session in document["sessions"]] == [1]
