"""A model that several workers train: the same for all of them."""

from __future__ import annotations

from torch import nn

from study.training.models.shared.placed_draws import place_draws
from study.training.models.shared.sync_norm import synchronize_norms
from study.training.recipe.model import ModelSpec
from study.training.runtime.team.draws import PlacedDraws
from study.training.runtime.team.team import Team


def share_model(model: nn.Module, spec: ModelSpec, team: Team, draws: PlacedDraws) -> nn.Module:
    """Return a model with the first worker's weights, whose layers know of the others."""
    if spec.sync_norm:
        model = synchronize_norms(model, team)
    place_draws(model, draws)
    team.level([*model.parameters(), *model.buffers()])
    return model
