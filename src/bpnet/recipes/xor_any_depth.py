"""Exclusive or with any number of sigmoid layers, then softmax; `--sizes 3,5,7,2` are the defaults.

The first size is the number of inputs, the last the number of classes. Softmax and the sigmoid are written so that
no exponential overflows, however long the training lasts. The weights begin as N(0, 1): with N(0, 1/fan_in) the
sigmoids of several layers start out so flat that L2 wins, and 10,000 steps of 0.01 leave the outputs of nearly every
random start at ½.
"""

from __future__ import annotations

from bpnet.nn.initializers import Normal
from bpnet.recipes.recipe import Options, Outcome, Problem
from bpnet.recipes.softmax_stack import softmax_stack, train_on_xor

SIZES = (3, 5, 7, 2)
STEPS = 10_000


def problem(options: Options) -> Problem:
    """The network of the sizes given, compiled, and the four rows."""
    sizes = options.sizes or SIZES
    if len(sizes) < 2 or sizes[0] != 3 or sizes[-1] != 2:
        raise ValueError(f"sizes: {sizes} was given, expected 3 inputs first and 2 classes last: 3,5,7,2")
    return softmax_stack(sizes, "sigmoid", Normal(0.0, 1.0), options)


def run(options: Options) -> Outcome:
    """Train for 10,000 steps, and count the rows that are right."""
    return train_on_xor(problem(options), options, STEPS)
