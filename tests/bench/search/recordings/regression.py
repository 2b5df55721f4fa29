"""A training function of one's own, in numpy: a network of one hidden layer learns a function.

The function and its noise are Friedman's first (1991, https://doi.org/10.1214/aos/1176347963): ten
inputs, five of which count. The error is the root of the mean squared error on points that it
wasn't trained on, in standard deviations of the function's values: 1 is what the mean alone
reaches.
"""

from __future__ import annotations

import numpy as np

import study

_INPUTS, _TRAINING, _VALIDATION = 10, 600, 2000


def epoch_cost(config: dict) -> float:
    """Give the multiplications of an epoch, in thousands."""
    return _TRAINING * 3 * config["hidden"] * (_INPUTS + 1) / 1000


def train(config: dict, session: study.Session) -> None:
    """Train by stochastic gradient descent with momentum and decay, one report an epoch."""
    data = np.random.default_rng(0)
    inputs, targets = _points(data, _TRAINING)
    fresh_inputs, fresh_targets = _points(data, _VALIDATION)
    random = np.random.default_rng(session.seed + 1)
    weights = _first_weights(random, config["hidden"], config["spread"])
    velocity = [np.zeros_like(weight) for weight in weights]
    for _ in range(config["epochs"]):
        order = random.permutation(_TRAINING)
        for start in range(0, _TRAINING, config["batch_size"]):
            batch = order[start : start + config["batch_size"]]
            gradients = _gradients(weights, inputs[batch], targets[batch])
            for weight, speed, gradient in zip(weights, velocity, gradients, strict=True):
                speed *= config["momentum"]
                speed -= config["lr"] * (gradient + config["weight_decay"] * weight)
                weight += speed
        missed = _answers(weights, fresh_inputs)[1] - fresh_targets
        session.report({"error": float(np.sqrt(np.mean(missed**2)))})


def _points(random: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    x = random.random((count, _INPUTS))
    wave = 10 * np.sin(np.pi * x[:, 0] * x[:, 1]) + 20 * (x[:, 2] - 0.5) ** 2
    value = wave + 10 * x[:, 3] + 5 * x[:, 4] + random.normal(size=count)
    return 2 * x - 1, (value - 14.4) / 4.9


def _first_weights(random: np.random.Generator, hidden: int, spread: float) -> list[np.ndarray]:
    first = random.normal(size=(_INPUTS, hidden)) * spread / np.sqrt(_INPUTS)
    second = random.normal(size=hidden) * spread / np.sqrt(hidden)
    return [first, np.zeros(hidden), second, np.zeros(1)]


def _answers(weights: list[np.ndarray], inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    first, first_bias, second, second_bias = weights
    hidden = np.tanh(inputs @ first + first_bias)  # (N, H)
    return hidden, hidden @ second + second_bias[0]  # (N, H), (N,)


def _gradients(
    weights: list[np.ndarray], inputs: np.ndarray, targets: np.ndarray
) -> list[np.ndarray]:
    """Give the gradients of half the mean squared error, in the order of the weights."""
    hidden, answers = _answers(weights, inputs)
    missed = (answers - targets) / len(targets)  # (N,)
    inner = np.outer(missed, weights[2]) * (1 - hidden**2)  # (N, H)
    return [inputs.T @ inner, inner.sum(0), hidden.T @ missed, np.array([missed.sum()])]
