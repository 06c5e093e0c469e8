"""Exclusive or with one hidden layer: 3-5-1, sigmoid, no biases.

XOR is not linear, so a perceptron cannot learn it; five hidden units can. With s for the activations:
∂l/∂h₂ = (s₂ - y) ⊙ s₂ ⊙ (1 - s₂),  ∂l/∂W₂ = s₁ᵀ ∂l/∂h₂,  ∂l/∂h₁ = ∂l/∂h₂ W₂ᵀ ⊙ s₁ ⊙ (1 - s₁),  ∂l/∂W₁ = xᵀ ∂l/∂h₁.
"""

from __future__ import annotations

from bpnet.recipes.recipe import Options, Outcome, Problem
from bpnet.recipes.sigmoid_stack import sigmoid_stack, train_on_xor

SIZES = (3, 5, 1)


def problem(options: Options) -> Problem:
    """The network 3-5-1, compiled, and the four rows."""
    return sigmoid_stack(SIZES, options)


def run(options: Options) -> Outcome:
    """Train for 10,000 steps, and compare the outputs with the targets."""
    return train_on_xor(problem(options), options)
