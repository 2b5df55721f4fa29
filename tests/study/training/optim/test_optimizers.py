"""Each optimizer is torch's own with the recipe's values; Muon is torch's on kernels flattened to
matrices.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from study.training.optim.optimizers import CLASSES, FUSED, make_optimizer, rates
from study.training.recipe.recipe import Recipe, fields_of_forms
from study.training.runtime.failures import TrainingFailure

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


def spec(name: str, **options: Any) -> Any:
    return Recipe.model_validate({"optimizer": {"name": name, **options}}).optimizer


def run(model: nn.Module, optimizer: torch.optim.Optimizer, steps: int = 5) -> list[Tensor]:
    chance = torch.Generator().manual_seed(1)
    for _ in range(steps):
        optimizer.zero_grad()
        model(torch.randn(6, 4, generator=chance)).square().sum().backward()
        optimizer.step()
    return [parameter.detach() for parameter in model.parameters()]


def small_model() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 3), nn.Tanh(), nn.Linear(3, 2))


def test_every_optimizer_of_the_recipe_is_there() -> None:
    assert (
        set(CLASSES) | {"muon"}
        == set(fields_of_forms("optimizer") or {})
        == set(ARGUMENTS) | {"muon"}
    )


def test_what_torch_has_and_the_recipe_lacks_is_known() -> None:
    theirs = {name for name in dir(torch.optim) if isinstance(getattr(torch.optim, name), type)}
    ours = {kind.__name__ for kind in CLASSES.values()} | {"Muon"}
    assert theirs - ours == {"LBFGS", "SparseAdam", "Optimizer"}


@pytest.mark.parametrize("name", ARGUMENTS)
def test_optimizer_equals_torchs_own(name: str) -> None:
    ours, theirs = ARGUMENTS[name]
    plain = {key: value for key, value in ours.items() if key not in GIVEN_OTHERWISE}
    mine, reference = small_model(), small_model()
    optimizer: Any = CLASSES[name]
    expected = run(reference, optimizer(reference.parameters(), lr=0.01, **plain, **theirs))
    got = run(mine, make_optimizer(spec(name, lr=0.01, **ours), mine))
    if name in FUSED:  # the same in another order of operations
        torch.testing.assert_close(got, expected)
    else:
        assert all(torch.equal(one, other) for one, other in zip(got, expected, strict=True))


def test_nesterov_without_momentum_is_plain_descent() -> None:
    one, other = small_model(), small_model()
    nesterov = run(one, make_optimizer(spec("sgd", lr=0.01, nesterov=True), one))
    plain = run(other, make_optimizer(spec("sgd", lr=0.01), other))
    assert all(torch.equal(a, b) for a, b in zip(nesterov, plain, strict=True))


def test_muon_orthogonalizes_matrices_and_leaves_the_rest_to_adamw() -> None:
    torch.manual_seed(0)
    options = {"lr": 0.02, "weight_decay": 0.1, "momentum": 0.9, "adamw_lr": 0.003}
    mine, reference = (nn.Linear(4, 3) for _ in range(2))
    reference.load_state_dict(mine.state_dict())
    muon = torch.optim.Muon([reference.weight], lr=0.02, weight_decay=0.1, momentum=0.9)
    adamw = torch.optim.AdamW([reference.bias], lr=0.003, weight_decay=0.1)
    optimizer = make_optimizer(spec("muon", **options), mine)
    for model, step in ((mine, [optimizer]), (reference, [muon, adamw])):
        chance = torch.Generator().manual_seed(1)
        for _ in range(5):
            model.zero_grad()
            model(torch.randn(6, 4, generator=chance)).square().sum().backward()
            for part in step:
                part.step()
    torch.testing.assert_close(mine.weight, reference.weight)
    torch.testing.assert_close(mine.bias, reference.bias)
    assert rates(optimizer) == {"lr": 0.02, "lr.adamw": 0.003}


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_muon_takes_kernels_as_matrices_in_any_memory_format(layout: torch.memory_format) -> None:
    torch.manual_seed(0)
    kernel = nn.Conv2d(2, 3, 3, bias=False).to(memory_format=layout)
    matrix = nn.Parameter(kernel.weight.detach().flatten(1).clone())
    reference = torch.optim.Muon([matrix], lr=0.02, weight_decay=0.01)
    optimizer = make_optimizer(spec("muon"), kernel)
    for seed in range(3):
        gradient = torch.randn(3, 18, generator=torch.Generator().manual_seed(seed))
        matrix.grad = gradient.clone()
        kernel.weight.grad = gradient.view(3, 2, 3, 3).clone()
        reference.step()
        optimizer.step()
    torch.testing.assert_close(kernel.weight.flatten(1), matrix.detach())


def test_groups_are_chosen_by_the_longest_prefix_of_whole_name_parts() -> None:
    model = nn.ModuleDict(
        {
            "features": nn.ModuleDict({"1": nn.Linear(1, 1), "10": nn.Linear(1, 1)}),
            "fc": nn.Linear(1, 1),
        }
    )
    optimizer = make_optimizer(
        spec("sgd", lr=1.0, lr_factors={"features.": 0.1, "features.1": 0.2}), model
    )
    assert rates(optimizer) == {"lr": 1.0, "lr.features.": 0.1, "lr.features.1": 0.2}
    members = {group["name"]: len(group["params"]) for group in optimizer.param_groups}
    assert members == {"": 2, "features.": 2, "features.1": 2}


def test_a_group_without_parameters_is_invalid() -> None:
    with pytest.raises(
        TrainingFailure, match=r"found head; its parameters begin with 0, 2"
    ) as caught:
        make_optimizer(spec("sgd", lr_factors={"head": 0.1}), small_model())
    assert caught.value.failure_class == "invalid"


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
