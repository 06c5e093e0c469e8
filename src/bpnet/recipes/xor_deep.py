"""Exclusive or with two hidden layers: 3-5-4-1, sigmoid, no biases."""

from __future__ import annotations

from bpnet.recipes.recipe import Options, Outcome, Problem
from bpnet.recipes.sigmoid_stack import sigmoid_stack, train_on_xor

SIZES = (3, 5, 4, 1)


def problem(options: Options) -> Problem:
    """The network 3-5-4-1, compiled, and the four rows."""
    return sigmoid_stack(SIZES, options)


def run(options: Options) -> Outcome:
    """Train for 10,000 steps, and compare the outputs with the targets."""
    return train_on_xor(problem(options), options)
