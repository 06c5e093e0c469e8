"""The same training in plain NumPy and float64: what every contender's result is judged by."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bpnet_benchmarks.problem import JUDGED_ROWS, Problem
from bpnet_benchmarks.workloads import Workload

RATE, BETA_1, BETA_2, EPSILON = 1e-3, 0.9, 0.999, 1e-8
"""Adam's settings, of every contender."""

TOLERANCE = 1e-3
"""How far a contender's loss may be from the reference's, relative.

float32 rounds to 6e-8 relative, and each of the 20 updates is a quotient of moments, which takes the sign of a gradient
that is nothing but rounding; such weights move by at most 20 · 1e-3, where the loss is flat. Contenders were seen
within 1e-4, also scikit-learn, whose ε lies inside the bias correction.
"""

SHARE = 0.02
"""And how far at most, as a share of what the steps have changed: one step of 20 is about 0.05 of it."""

LEAST = 1e-5
"""But never less than this, relative: the loss may end near where it began."""

Arrays = Sequence[np.ndarray]


def logits(workload: Workload, weights: Arrays, x: np.ndarray) -> list[np.ndarray]:
    """x (N, I) and every layer's output after it, the last without its softmax; float64."""
    outputs = [np.asarray(x, np.float64)]
    for i, (w, b) in enumerate(_pairs(weights)):
        z = outputs[-1] @ np.asarray(w, np.float64) + np.asarray(b, np.float64)
        is_last = 2 * i + 2 == len(weights)
        outputs.append(z if is_last else np.maximum(z, 0) if workload.hidden == "relu" else np.tanh(z))
    return outputs


def probabilities(workload: Workload, weights: Arrays, x: np.ndarray) -> np.ndarray:
    """softmax of the logits, (N, K)."""
    z = logits(workload, weights, x)[-1]
    e = np.exp(z - z.max(axis=1, keepdims=True))
    softmax: np.ndarray = e / e.sum(axis=1, keepdims=True)
    return softmax


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
    """∂L/∂w, ∂L/∂b, … of the mean cross-entropy: dz = (p - onehot(y)) / N, dw = hᵀ dz, db = Σₙ dz, dh = dz wᵀ."""
    outputs = logits(workload, weights, x)
    dz = probabilities(workload, weights, x)
    dz[np.arange(len(y)), y] -= 1
    dz /= len(y)
    grads: list[np.ndarray] = []
    for h, (w, _) in zip(reversed(outputs[:-1]), reversed(_pairs(weights)), strict=True):
        grads = [h.T @ dz, dz.sum(axis=0), *grads]
        dh = dz @ np.asarray(w, np.float64).T
        dz = dh * ((h > 0) if workload.hidden == "relu" else 1 - h * h)
    return grads


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


def _pairs(weights: Arrays) -> list[tuple[np.ndarray, np.ndarray]]:
    """(w, b) of each layer."""
    return list(zip(weights[0::2], weights[1::2], strict=True))
