"""The loss that is trained: penalties and auxiliary heads."""

from __future__ import annotations

import torch
from torch import nn

from study.training.optim.loss import LossFunction
from study.training.recipe.sections import CrossEntropy


def test_penalties_are_those_of_the_formula_over_matrices_alone() -> None:
    model = nn.Linear(3, 2)
    inputs, labels = torch.randn(4, 3), torch.tensor([0, 1, 1, 0])
    plain = LossFunction(CrossEntropy(), model)(model(inputs), labels)
    losses = LossFunction(CrossEntropy(l1=0.5, l2=0.25), model)(model(inputs), labels)
    expected = plain.total + 0.5 * model.weight.abs().sum() + 0.25 * model.weight.square().sum()
    torch.testing.assert_close(losses.total, expected)
    torch.testing.assert_close(losses.main, plain.main)


def test_each_auxiliary_head_counts_by_its_weight() -> None:
    main, aux = torch.randn(2, 4, 3)
    labels = torch.tensor([0, 1, 2, 0])
    entropy = nn.functional.cross_entropy
    losses = LossFunction(CrossEntropy(aux_weight=0.3), nn.Linear(1, 1))((main, aux, aux), labels)
    torch.testing.assert_close(losses.total, entropy(main, labels) + 0.6 * entropy(aux, labels))
