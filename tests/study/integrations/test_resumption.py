"""What a library's loop goes on from leaves the random generators to the script until then."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from study.integrations.resumption import find_resumption
from study.training.own.session import Session, Surroundings
from study.training.runtime.randomness import random_states

from ..training.conftest import Memory


def new_session(store: Memory, folder: Path) -> Session:
    def nothing(*_: Any) -> None: ...

    surroundings = Surroundings(0, torch.device("cpu"), folder, folder)
    session = Session(
        surroundings,
        store,
        report=lambda row: True,
        repeated=nothing,
        heartbeat=nothing,
        keep=nothing,
        reported=0,
    )
    session.take_up()
    return session


def test_where_training_begins_there_is_nothing_to_go_on_from(tmp_path: Path) -> None:
    assert find_resumption(new_session(Memory(), tmp_path)) is None


def test_random_states_are_the_scripts_until_its_loop_begins(tmp_path: Path) -> None:
    store = Memory()
    session = new_session(store, tmp_path)
    torch.manual_seed(5)
    session.report({"loss": 1.0}, state={"weight": torch.ones(1)})
    next_draw = torch.rand(())

    torch.manual_seed(0)
    before = random_states(torch.device("cpu"))
    resumption = find_resumption(new_session(store, tmp_path))
    assert torch.equal(random_states(torch.device("cpu"))["cpu"], before["cpu"])
    assert resumption is not None
    assert resumption.state == {"weight": torch.ones(1)}
    resumption.restore_random_states()
    assert torch.rand(()) == next_draw


@pytest.mark.parametrize("library", ["lightning", "transformers"])
def test_a_missing_package_is_told_of_by_the_extra_that_brings_it(
    library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import importlib
    import sys

    monkeypatch.delitem(sys.modules, f"study.integrations.{library}", raising=False)
    for name in list(sys.modules):
        if name.partition(".")[0] == library:
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(ModuleNotFoundError, match=rf"pip install 'ray-study\[{library}\]'"):
        importlib.import_module(f"study.integrations.{library}")
