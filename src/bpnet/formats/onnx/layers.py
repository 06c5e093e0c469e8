"""Each layer as ONNX operators, at inference; convolutions and pooling are in `images`, normalization too."""

from __future__ import annotations

import numpy as np

from bpnet.formats.onnx.graph import OnnxGraph
from bpnet.formats.onnx.registry import Place, activated, exporter
from bpnet.nn import activation, dense, dropout, embedding, merging, reshaping


@exporter(dense.Dense)
def dense_layer(g: OnnxGraph, at: Place, x: str) -> str:
    """f(x w + b)."""
    w = g.constant("w", at.weights["w"])
    z = g.add("Gemm", x, w, g.constant("b", at.weights["b"])) if at.layer.use_bias else g.add("MatMul", x, w)
    return activated(g, at.layer.activation, z)


@exporter(activation.Activation, activation.ReLU, activation.LeakyReLU, activation.ELU, activation.Softmax)
def activation_layer(g: OnnxGraph, at: Place, x: str) -> str:
    """f(x)."""
    return activated(g, at.layer.activation, x)


@exporter(activation.PReLU)
def prelu(g: OnnxGraph, at: Place, x: str) -> str:
    """x or a x, a for each element."""
    alpha = at.weights["alpha"][None]
    (source,), axes = g.before_transposes([x])
    if axes is None:
        return g.add("PRelu", x, g.constant("alpha", alpha))
    before = np.transpose(alpha, np.argsort(axes))
    return g.transpose(g.add("PRelu", source, g.constant("alpha", before)), axes)


@exporter(dropout.Dropout, dropout.GaussianNoise)
def nothing(g: OnnxGraph, at: Place, x: str) -> str:
    """x itself."""
    return x


@exporter(embedding.Embedding)
def embedding_layer(g: OnnxGraph, at: Place, x: str) -> str:
    """w[x], x as whole numbers."""
    return g.add("Gather", g.constant("w", at.weights["w"]), g.whole_numbers(x), axis=0)


@exporter(reshaping.Reshape, reshaping.Flatten)
def reshape(g: OnnxGraph, at: Place, x: str) -> str:
    """Rows first; 0 stands for the size of the batch."""
    return g.add("Reshape", x, g.constant("shape", np.array([0, *at.shape], "int64")))


@exporter(reshaping.Permute)
def permute(g: OnnxGraph, at: Place, x: str) -> str:
    """The axes in the order `dims`."""
    return g.transpose(x, (0, *at.layer.dims))


@exporter(reshaping.UpSampling2D)
def up_sampling(g: OnnxGraph, at: Place, x: str) -> str:
    """Each pixel as a block: an axis for each side of it, along which it is repeated."""
    (height, width, channels), (a, b) = at.inputs[0], at.layer.size
    apart = g.add("Reshape", x, g.constant("apart", np.array([0, height, 1, width, 1, channels], "int64")))
    blocks = g.add("Expand", apart, g.constant("blocks", np.array([1, 1, a, 1, b, 1], "int64")))
    return g.add("Reshape", blocks, g.constant("shape", np.array([0, *at.shape], "int64")))


@exporter(merging.Add)
def add(g: OnnxGraph, at: Place, *x: str) -> str:
    """Σ x."""
    return g.elementwise(lambda *parts: g.add("Add" if len(parts) == 2 else "Sum", *parts), *x)


@exporter(merging.Subtract)
def subtract(g: OnnxGraph, at: Place, *x: str) -> str:
    """x₁ - x₂."""
    return g.elementwise(lambda *parts: g.add("Sub", *parts), *x)


@exporter(merging.Average)
def average(g: OnnxGraph, at: Place, *x: str) -> str:
    """Σ x / K; ONNX Runtime computes Mean in float32 only."""
    return g.elementwise(lambda *parts: g.add("Div", g.add("Sum", *parts), float(len(parts))), *x)


@exporter(merging.Multiply)
def multiply(g: OnnxGraph, at: Place, *x: str) -> str:
    """Π x."""

    def product(first: str, *others: str) -> str:
        for other in others:
            first = g.add("Mul", first, other)
        return first

    return g.elementwise(product, *x)


@exporter(merging.Maximum)
def maximum(g: OnnxGraph, at: Place, *x: str) -> str:
    """The largest of x."""
    return g.elementwise(lambda *parts: g.add("Max", *parts), *x)


@exporter(merging.Concatenate)
def concatenate(g: OnnxGraph, at: Place, *x: str) -> str:
    """Side by side along `axis`, before transposes that all parts have in common."""
    axis = at.layer.axis % (len(at.shape) + 1)
    sources, axes = g.before_transposes(x)
    if axes is None:
        return g.add("Concat", *x, axis=axis)
    return g.transpose(g.add("Concat", *sources, axis=axes[axis]), axes)
