"""The same training in plain NumPy and float64: what every contender's result is judged by."""

from __future__ import annotations

import numpy as np

from bpnet_benchmarks.problem import JUDGED_ROWS, Problem
from bpnet_benchmarks.reference_layers import Arrays, backward, forward, rows_at_once
from bpnet_benchmarks.workload import Workload

RATE, BETA_1, BETA_2, EPSILON = 1e-3, 0.9, 0.999, 1e-8
"""Adam's settings, of every contender."""

TOLERANCE = 1e-3
"""How far a contender's loss may be from the reference's, relative.

float32 rounds to 6e-8 relative, and each of the 20 updates is a quotient of moments, which takes the sign of a gradient
that is nothing but rounding; such weights move by at most 20 · 1e-3, where the loss is flat. Contenders were seen
within 1e-4, also scikit-learn, whose ε lies inside the bias correction.
"""

SHARE = 0.01
"""And how far at most, as a share of what the steps have changed: one of 20 steps is some 0.05, a late one 0.02."""

LEAST = 1e-5
"""But never less than this, relative: the loss may end near where it began."""


def logits(workload: Workload, weights: Arrays, x: np.ndarray) -> np.ndarray:
    """The last layer's output without its softmax, (N, K); float64."""
    return np.concatenate([_outputs(workload, weights, x[rows])[-1] for rows in _parts(workload, len(x))])


def probabilities(workload: Workload, weights: Arrays, x: np.ndarray) -> np.ndarray:
    """softmax of the logits, (N, K)."""
    return _softmax(logits(workload, weights, x))


def cross_entropy(workload: Workload, weights: Arrays, x: np.ndarray, y: np.ndarray) -> float:
    """The mean over the rows of -log p of the row's class."""
    return float(-np.mean(np.log(probabilities(workload, weights, x)[np.arange(len(y)), y])))


def judged_loss(problem: Problem, weights: Arrays) -> float:
    """The cross-entropy on the first 1,024 rows."""
    return cross_entropy(problem.workload, weights, problem.x[:JUDGED_ROWS], problem.y[:JUDGED_ROWS])


def allowed(reference: float, first: float) -> float:
    """How far from `reference` a loss may be that began at `first`, absolute."""
    return max(LEAST * reference, min(TOLERANCE * reference, SHARE * abs(reference - first)))


def gradient(workload: Workload, weights: Arrays, x: np.ndarray, y: np.ndarray) -> list[np.ndarray]:
    """∂L/∂w, ∂L/∂b, … of the mean cross-entropy, from dz = (p - onehot(y)) / N back through the layers."""
    total = [np.zeros(np.shape(array)) for array in weights]
    for rows in _parts(workload, len(x)):
        outputs = _outputs(workload, weights, x[rows])
        dy = _softmax(outputs[-1])
        dy[np.arange(len(dy)), y[rows]] -= 1
        dy /= len(y)
        grads: list[np.ndarray] = []
        links = list(zip(workload.layers, _own(workload, weights), outputs[:-1], outputs[1:], strict=True))
        for i, (layer, own, before, after) in reversed([*enumerate(links)]):
            dy, found = backward(layer, own, before, after, dy, need_dx=i > 0)
            grads = [*found, *grads]
        for g, part in zip(total, grads, strict=True):
            g += part
    return total


def trained(problem: Problem, steps: int) -> list[np.ndarray]:
    """The weights after `steps` steps of Adam from the problem's first weights."""
    theta = [np.asarray(array, np.float64) for array in problem.weights]
    m, v = [np.zeros_like(array) for array in theta], [np.zeros_like(array) for array in theta]
    for t in range(1, steps + 1):
        start = (t - 1) % problem.steps * problem.batch
        rows = problem.order[start : start + problem.batch]
        for i, g in enumerate(gradient(problem.workload, theta, problem.x[rows], problem.y[rows])):
            m[i] = BETA_1 * m[i] + (1 - BETA_1) * g
            v[i] = BETA_2 * v[i] + (1 - BETA_2) * g * g
            m_hat, v_hat = m[i] / (1 - BETA_1**t), v[i] / (1 - BETA_2**t)
            theta[i] = theta[i] - RATE * m_hat / (np.sqrt(v_hat) + EPSILON)
    return theta


def _outputs(workload: Workload, weights: Arrays, x: np.ndarray) -> list[np.ndarray]:
    """x and every layer's output after it, the last without its softmax; float64."""
    outputs = [np.asarray(x, np.float64)]
    for layer, own in zip(workload.layers, _own(workload, weights), strict=True):
        outputs.append(forward(layer, own, outputs[-1]))
    return outputs


def _own(workload: Workload, weights: Arrays) -> list[list[np.ndarray]]:
    """w and b of each layer, or none; float64."""
    rest = iter(weights)
    shapes = [layer.weights(before) for layer, before, _ in workload.chain()]
    return [[np.asarray(next(rest), np.float64) for _ in both] for both in shapes]


def _parts(workload: Workload, count: int) -> list[slice]:
    """The rows of a batch, so many at once that the memory is bounded."""
    step = rows_at_once(list(workload.chain()))
    return [slice(start, start + step) for start in range(0, count, step)]


def _softmax(z: np.ndarray) -> np.ndarray:
    e = np.exp(z - z.max(axis=1, keepdims=True))
    softmax: np.ndarray = e / e.sum(axis=1, keepdims=True)
    return softmax
