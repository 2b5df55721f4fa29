"""A state holds tensors and plain data; what is reported early is copied, not saved."""

from __future__ import annotations

import io
from collections import Counter, OrderedDict, defaultdict, namedtuple
from typing import Any

import numpy as np
import pytest
import torch

from study.training.own.state import SavingPace, check_state, copy_state


def read_back(state: dict[str, Any]) -> dict[str, Any]:
    buffer = io.BytesIO()
    torch.save(state, buffer)
    read: dict[str, Any] = torch.load(io.BytesIO(buffer.getvalue()), weights_only=True)
    return read


PLAIN: dict[str, Any] = {
    "text": "a",
    "numbers": [1, 2.5, True, None, 10**40, 3j],
    "pair": (1, {"deep": {2, 3}}),
    "bytes": b"ab",
    "by_number": {0: "x", 1.5: "y"},
    "milestones": Counter([3, 5]),
    "size": torch.Size([1, 2]),
    "kind": torch.bfloat16,
    "device": torch.device("cpu"),
}


def test_what_is_accepted_is_read_back_without_running_code() -> None:
    model = torch.nn.BatchNorm1d(2)
    optimizer = torch.optim.Adam(model.parameters())
    model(torch.rand(4, 2)).sum().backward()
    optimizer.step()
    state = PLAIN | {"model": model.state_dict(), "optimizer": optimizer.state_dict()}
    check_state(state)
    read = read_back(state)
    assert {name: read[name] for name in PLAIN} == PLAIN
    assert torch.equal(read["model"]["running_mean"], model.running_mean)  # type: ignore[arg-type]
    copied = copy_state(state)
    assert {name: copied[name] for name in PLAIN} == PLAIN
    assert copied["model"]._metadata == state["model"]._metadata
    assert isinstance(copied["model"], OrderedDict)
    model.weight.data.zero_()
    assert copied["model"]["weight"].abs().sum() > 0


Pair = namedtuple("Pair", "a b")


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (torch.nn.Linear(1, 1), r"found torch.nn.modules.linear.Linear; give its .state_dict\(\)"),
        (np.float64(1), r"found numpy.float64; give its .item\(\)"),
        (np.zeros(2), r"found numpy.ndarray; give torch.from_numpy"),
        (defaultdict(int), r"found collections.defaultdict; give dict\(…\)"),
        (Pair(1, 2), "found .*Pair"),
        (lambda: None, "found function"),
        (open, "found builtin_function_or_method"),
    ],
)
def test_anything_else_is_refused_with_its_place(value: Any, sentence: str) -> None:
    with pytest.raises(TypeError, match=rf"state\['a'\]\[1\] must be a tensor.*{sentence}"):
        check_state({"a": [0, value]})


def test_a_state_that_is_no_dict_or_holds_itself_is_refused() -> None:
    with pytest.raises(TypeError, match=r"state must be a dict.*found list"):
        check_state([1])
    with pytest.raises(TypeError, match="as keys; found tuple"):
        check_state({(1, 2): 3})
    endless: dict[str, Any] = {}
    endless["me"] = endless
    with pytest.raises(TypeError, match="at most 100 levels deep"):
        check_state(endless)


def test_saving_keeps_to_its_share() -> None:
    moment = [0.0]
    pace = SavingPace(clock=lambda: moment[0])
    assert pace.is_due(), "the first one is"
    with pace.measured():
        moment[0] += 5
    assert not pace.is_due()
    moment[0] = 199
    assert not pace.is_due()
    moment[0] = 200
    assert pace.is_due()
