"""Each activation as ONNX operators.

ONNX Runtime computes Elu and Softplus in float32 only; in float64 they are written as their formulas.
"""

from __future__ import annotations

from math import pi, sqrt

import numpy as np

from bpnet.formats.onnx.graph import OnnxGraph
from bpnet.formats.onnx.registry import activation_exporter
from bpnet.nn import activations


@activation_exporter(activations.Linear)
def linear(g: OnnxGraph, z: str) -> str:
    """z itself."""
    return z


@activation_exporter(activations.Softmax)
def softmax(g: OnnxGraph, z: str) -> str:
    """Over the last axis."""
    return g.add("Softmax", z, axis=-1)


@activation_exporter(activations.sigmoid)
def sigmoid(g: OnnxGraph, z: str) -> str:
    """1 / (1 + exp(-z))."""
    return g.add("Sigmoid", z)


@activation_exporter(activations.tanh)
def tanh(g: OnnxGraph, z: str) -> str:
    """Tanh z."""
    return g.add("Tanh", z)


@activation_exporter(activations.relu)
def relu(g: OnnxGraph, z: str) -> str:
    """max(z, 0)."""
    return g.add("Relu", z)


@activation_exporter(activations.leaky_relu)
def leaky_relu(g: OnnxGraph, z: str, negative_slope: float) -> str:
    """z or a z.  PRelu: the attribute of LeakyRelu is a float32, which a float64 model has not."""
    return g.add("PRelu", z, float(negative_slope))


@activation_exporter(activations.elu)
def elu(g: OnnxGraph, z: str, alpha: float) -> str:
    """z or a (exp z - 1)."""
    if g.dtype == "float32":
        return g.add("Elu", z, alpha=float(alpha))
    below = g.add("Sub", g.add("Exp", g.add("Min", z, 0.0)), 1.0)
    return g.add("Where", g.add("Greater", z, 0.0), z, g.add("Mul", float(alpha), below))


@activation_exporter(activations.gelu)
def gelu(g: OnnxGraph, z: str) -> str:
    """z (1 + tanh u) / 2, u = √(2/π) (b + 0.044715 b³), b = z within ±BEYOND, so that nothing overflows."""
    b = g.add("Clip", z, -activations.BEYOND, activations.BEYOND)
    cube = g.add("Mul", g.add("Mul", b, b), b)
    u = g.add("Mul", sqrt(2 / pi), g.add("Add", b, g.add("Mul", 0.044715, cube)))
    return g.add("Mul", g.add("Mul", 0.5, z), g.add("Add", 1.0, g.add("Tanh", u)))


@activation_exporter(activations.silu)
def silu(g: OnnxGraph, z: str) -> str:
    """z sigmoid z, which old versions of ONNX Runtime turn into an operator that they have in float32 only."""
    if g.dtype == "float32":
        return g.add("Mul", z, g.add("Sigmoid", z))
    return g.add("Div", z, g.add("Add", 1.0, g.add("Exp", g.add("Neg", z))))


@activation_exporter(activations.softplus)
def softplus(g: OnnxGraph, z: str) -> str:
    """log(1 + exp z)."""
    if g.dtype == "float32":
        return g.add("Softplus", z)
    e = g.add("Exp", g.add("Neg", g.add("Abs", z)))
    return g.add("Add", g.add("Relu", z), g.add("Log", g.add("Add", 1.0, e)))


@activation_exporter(activations.step)
def step(g: OnnxGraph, z: str) -> str:
    """1 where z >= 0, 0 elsewhere."""
    one, zero = (np.asarray(value, g.dtype) for value in (1, 0))
    return g.add("Where", g.add("GreaterOrEqual", z, 0.0), one, zero)
