"""Each optimizer is torch's own with the recipe's values; Muon is torch's on kernels flattened to
matrices.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from study.training.optim.adafactor import Adafactor
from study.training.optim.optimizers import (
    FUSED_OPTIMIZERS,
    OPTIMIZER_CLASSES,
    load_optimizer_state,
    make_optimizer,
)
from study.training.recipe.recipe_paths import fields_of_forms

from .conftest import small_model, spec

ARGUMENTS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "sgd": ({"momentum": 0.9, "nesterov": True, "weight_decay": 0.1}, {}),
    "adam": (
        {"beta1": 0.8, "beta2": 0.9, "weight_decay": 0.1, "amsgrad": True},
        {"betas": (0.8, 0.9)},
    ),
    "adamw": ({"beta1": 0.8, "beta2": 0.9, "weight_decay": 0.1}, {"betas": (0.8, 0.9)}),
    "nadam": ({"momentum_decay": 0.01}, {}),
    "radam": ({"weight_decay": 0.1}, {}),
    "adamax": ({"eps": 1e-4}, {}),
    "adadelta": ({"rho": 0.8}, {}),
    "adagrad": ({"lr_decay": 0.1, "initial_accumulator": 0.2}, {"initial_accumulator_value": 0.2}),
    "adafactor": ({"clip_threshold": 2.0, "beta2_decay": -0.7}, {"d": 2.0}),
    "rmsprop": ({"alpha": 0.8, "momentum": 0.5, "centered": True}, {}),
    "asgd": ({"lambd": 0.01, "t0": 1.0}, {}),
    "rprop": ({"eta_minus": 0.4, "eta_plus": 1.5}, {"etas": (0.4, 1.5)}),
}
GIVEN_OTHERWISE = {
    "beta1",
    "beta2",
    "eta_minus",
    "eta_plus",
    "clip_threshold",
    "initial_accumulator",
}


def run(model: nn.Module, optimizer: torch.optim.Optimizer, steps: int = 5) -> list[Tensor]:
    chance = torch.Generator().manual_seed(1)
    for _ in range(steps):
        optimizer.zero_grad()
        model(torch.randn(6, 4, generator=chance)).square().sum().backward()
        optimizer.step()
    return [parameter.detach() for parameter in model.parameters()]


def test_every_optimizer_of_the_recipe_is_there() -> None:
    assert (
        set(OPTIMIZER_CLASSES) | {"muon"}
        == set(fields_of_forms("optimizer") or {})
        == set(ARGUMENTS) | {"muon"}
    )


def test_what_torch_has_and_the_recipe_lacks_is_known() -> None:
    theirs = {name for name in dir(torch.optim) if isinstance(getattr(torch.optim, name), type)}
    ours = {kind.__name__ for kind in OPTIMIZER_CLASSES.values()} | {"Muon"}
    assert theirs - ours == {"LBFGS", "SparseAdam", "Optimizer"}


@pytest.mark.parametrize("name", ARGUMENTS)
def test_optimizer_equals_torchs_own(name: str) -> None:
    ours, theirs = ARGUMENTS[name]
    plain = {key: value for key, value in ours.items() if key not in GIVEN_OTHERWISE}
    mine, reference = small_model(), small_model()
    optimizer: Any = OPTIMIZER_CLASSES[name]
    expected = run(reference, optimizer(reference.parameters(), lr=0.01, **plain, **theirs))
    got = run(mine, make_optimizer(spec(name, lr=0.01, **ours), mine))
    if name in FUSED_OPTIMIZERS:  # the same in another order of operations
        torch.testing.assert_close(got, expected)
    else:
        assert all(torch.equal(one, other) for one, other in zip(got, expected, strict=True))


def test_nesterov_without_momentum_is_plain_descent() -> None:
    one, other = small_model(), small_model()
    nesterov = run(one, make_optimizer(spec("sgd", lr=0.01, nesterov=True), one))
    plain = run(other, make_optimizer(spec("sgd", lr=0.01), other))
    assert all(torch.equal(a, b) for a, b in zip(nesterov, plain, strict=True))


@pytest.mark.parametrize("name", ["sgd", "adamw", "muon"])
def test_independent_decay_takes_the_same_share_at_any_rate(name: str) -> None:
    shares = []
    for lr in (0.1, 0.001):
        model = nn.Linear(2, 2, bias=False)
        optimizer = make_optimizer(
            spec(name, lr=lr, weight_decay=0.01, independent_decay=True), model
        )
        before = model.weight.detach().clone()
        model.weight.grad = torch.zeros_like(model.weight)
        optimizer.step()
        shares.append(1 - float((model.weight.detach() / before).mean()))
    assert shares == pytest.approx([0.01, 0.01], rel=1e-3)


@pytest.mark.parametrize("name", sorted(fields_of_forms("optimizer") or {}))
def test_every_optimizer_improves_a_toy_problem(name: str) -> None:
    model = small_model()
    inputs = torch.randn(32, 4, generator=torch.Generator().manual_seed(2))
    target = inputs[:, :2].sin()
    optimizer = make_optimizer(spec(name), model)
    losses = []
    for _ in range(60):
        optimizer.zero_grad()
        loss = (model(inputs) - target).square().mean()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < losses[0]


def test_adafactor_where_it_may_not_wait_computes_what_torchs_does() -> None:
    chance = torch.Generator().manual_seed(3)
    shapes = ((5, 3, 3, 3), (7,), (4, 6))
    theirs = [nn.Parameter(torch.randn(shape, generator=chance)) for shape in shapes]
    ours = [nn.Parameter(each.detach().clone()) for each in theirs]
    options = {"lr": 0.1, "weight_decay": 0.01, "beta2_decay": -0.7, "d": 2.0}
    reference = torch.optim.Adafactor(theirs, **options)  # type: ignore[arg-type]
    adafactor = Adafactor(ours, **options)  # type: ignore[arg-type]
    for step in range(5):
        for one, other in zip(ours, theirs, strict=True):
            gradient = torch.randn(one.shape, generator=chance) * (10.0 if step == 2 else 0.1)
            one.grad, other.grad = gradient, gradient.clone()
        reference.step()  # type: ignore[no-untyped-call]
        with torch.no_grad():
            for one in ours:
                assert one.grad is not None
                adafactor._update(one, one.grad, adafactor.param_groups[0])
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other)
    mine, others = adafactor.state_dict()["state"], reference.state_dict()["state"]
    assert [set(state) for state in mine.values()] == [set(state) for state in others.values()]


def test_a_state_from_another_kind_of_device_goes_on_with_this_ones_way_of_counting() -> None:
    model = small_model()
    optimizer = make_optimizer(spec("asgd", lr=0.01), model)
    run(model, optimizer, steps=1)
    state = optimizer.state_dict()
    for group in state["param_groups"]:
        group["capturable"] = True  # as on a GPU
    load_optimizer_state(optimizer, state)
    assert not optimizer.param_groups[0]["capturable"]
    run(model, optimizer, steps=1)
