"""Convolution, pooling and normalization as ONNX operators, which want the channels first.

ONNX Runtime computes Conv and AveragePool in float32 only.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from bpnet.formats.onnx.graph import OnnxGraph
from bpnet.formats.onnx.registry import Place, activated, exporter
from bpnet.nn import convolution, depthwise, normalization, pooling, reshaping
from bpnet.nn.window import window


@exporter(convolution.Conv2D, convolution.Conv1D)
def convolve(g: OnnxGraph, at: Place, x: str) -> str:
    """f(x ∗ w + b);  w (K, L, C / groups, F) → (F, C / groups, K, L)."""
    return _convolve(g, at, x, np.moveaxis(at.weights["w"], (-1, -2), (0, 1)), at.layer.groups)


@exporter(depthwise.DepthwiseConv2D)
def depthwise_convolve(g: OnnxGraph, at: Place, x: str) -> str:
    """A group for each channel;  w (K, L, C, M) → (C·M, 1, K, L)."""
    w = at.weights["w"]
    filters = np.reshape(np.transpose(w, (2, 3, 0, 1)), (-1, 1, *w.shape[:2]))
    return _convolve(g, at, x, filters, w.shape[2])


def _convolve(g: OnnxGraph, at: Place, x: str, w: np.ndarray, groups: int) -> str:
    layer, places = at.layer, len(at.shape) - 1
    size, strides, dilation = (list(each[-places:]) for each in (layer.kernel_size, layer.strides, layer.dilation_rate))
    b = g.constant("b", at.weights["b"]) if layer.use_bias else None
    z = g.add(
        "Conv",
        g.channels_first(x, places + 2),
        g.constant("w", np.ascontiguousarray(w)),
        b,
        kernel_shape=size,
        strides=strides,
        dilations=dilation,
        group=groups,
        pads=_pads(at, size, strides, dilation),
    )
    return activated(g, layer.activation, g.channels_last(z, places + 2))


@exporter(pooling.MaxPooling2D)
def max_pooling(g: OnnxGraph, at: Place, x: str) -> str:
    """The largest under each window; padding does not count."""
    return _pool(g, at, x, "MaxPool")


@exporter(pooling.AveragePooling2D)
def average_pooling(g: OnnxGraph, at: Place, x: str) -> str:
    """The mean under each window, inside the image."""
    return _pool(g, at, x, "AveragePool", count_include_pad=0)


def _pool(g: OnnxGraph, at: Place, x: str, op: str, **settings: Any) -> str:
    size, strides = list(at.layer.pool_size), list(at.layer.strides)
    pads = _pads(at, size, strides, [1, 1])
    y = g.add(op, g.channels_first(x, 4), kernel_shape=size, strides=strides, pads=pads, **settings)
    return g.channels_last(y, 4)


def _pads(at: Place, size: list[int], strides: list[int], dilation: list[int]) -> list[int]:
    """What is missing before each axis, then what is missing behind."""
    one = [1] * (2 - len(size))  # a signal is an image of one row
    image = (*one, *at.inputs[0][:-1])
    pairs = [tuple(one + each) for each in (size, strides, dilation)]
    found = window(image, *pairs, at.layer.padding)
    return [*found.before[len(one) :], *found.behind[len(one) :]]


@exporter(pooling.GlobalAveragePooling2D)
def global_average(g: OnnxGraph, at: Place, x: str) -> str:
    """The mean of each channel."""
    return _reduced(g, x, "ReduceMean")


@exporter(pooling.GlobalMaxPooling2D)
def global_max(g: OnnxGraph, at: Place, x: str) -> str:
    """The largest of each channel."""
    return _reduced(g, x, "ReduceMax")


def _reduced(g: OnnxGraph, x: str, op: str) -> str:
    (source,), axes = g.before_transposes([x])
    places = [1, 2] if axes is None else sorted(axes[1:3])
    return g.add(op, source, axes=places, keepdims=0)


@exporter(reshaping.ZeroPadding2D)
def zero_padding(g: OnnxGraph, at: Place, x: str) -> str:
    """Zeros around each image."""
    (top, bottom), (left, right) = at.layer.padding
    before, behind = [0, top, left, 0], [0, bottom, right, 0]
    (source,), axes = g.before_transposes([x])
    if axes is not None:
        order = np.argsort(axes)
        before, behind = ([sides[axis] for axis in order] for sides in (before, behind))
    y = g.add("Pad", source, g.constant("pads", np.array([*before, *behind], "int64")))
    return y if axes is None else g.transpose(y, axes)


@exporter(normalization.BatchNormalization)
def batch_normalization(g: OnnxGraph, at: Place, x: str) -> str:
    """γ (x - μ) / √(σ² + ε) + β with the running statistics."""
    rank = len(at.shape) + 1
    axis = at.layer.axis % rank
    size = at.shape[axis - 1]
    parts = {"gamma": np.ones(size, g.dtype), "beta": np.zeros(size, g.dtype), **at.weights}
    lost = at.layer.epsilon - float(np.float32(at.layer.epsilon))  # ε is a float32 in ONNX, in float64 models too
    parts["variance"] = parts["variance"] + np.asarray(lost, g.dtype)
    gamma, beta, mean, variance = (g.constant(name, parts[name]) for name in ("gamma", "beta", "mean", "variance"))
    there = (0, axis, *(i for i in range(1, rank) if i != axis))
    y = g.add("BatchNormalization", g.transpose(x, there), gamma, beta, mean, variance, epsilon=at.layer.epsilon)
    return g.transpose(y, tuple(int(i) for i in np.argsort(there)))


@exporter(normalization.LayerNormalization)
def layer_normalization(g: OnnxGraph, at: Place, x: str) -> str:
    """γ (x - μ) / √(σ² + ε) + β with the mean and the variance of each sample along `axis`.

    ONNX's LayerNormalization has its statistics in float32 always, so a float64 model has the formula.
    """
    rank = len(at.shape) + 1
    axis = at.layer.axis % rank
    there = (*(i for i in range(rank) if i != axis), axis)
    back = tuple(int(i) for i in np.argsort(there))
    size = at.shape[axis - 1]
    parts = {"gamma": np.ones(size, g.dtype), "beta": np.zeros(size, g.dtype), **at.weights}
    gamma, beta = (g.constant(name, parts[name]) for name in ("gamma", "beta"))
    x = g.transpose(x, there)
    if g.dtype == "float32":
        y = g.add("LayerNormalization", x, gamma, beta, axis=-1, epsilon=at.layer.epsilon)
        return g.transpose(y, back)
    off = g.add("Sub", x, g.add("ReduceMean", x, axes=[-1], keepdims=1))
    variance = g.add("ReduceMean", g.add("Mul", off, off), axes=[-1], keepdims=1)
    normal = g.add("Div", off, g.add("Sqrt", g.add("Add", variance, at.layer.epsilon)))
    return g.transpose(g.add("Add", g.add("Mul", normal, gamma), beta), back)
