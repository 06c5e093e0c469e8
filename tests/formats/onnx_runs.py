"""Models as ONNX files, and what ONNX Runtime, or ONNX's own reference, makes of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
from onnx.reference import ReferenceEvaluator

from bpnet import Model

TOLERANCE = {"float32": 1e-5, "float64": 1e-12}
"""Relative, norm-wise: those of the backends among each other."""


def draw(seed: int) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(seed))


def with_random_weights(model: Model, seed: int) -> Model:
    """Biases, scales and running statistics other than those that a model begins with; variances are positive."""
    generator = draw(seed)
    model.set_weights([0.2 + 0.8 * generator.random(array.shape) for array in model.get_weights()])
    network = model.network
    size = network.layout.decaying  # weights: of both signs, or everything saturates
    network.theta[:size] = network.backend.asarray(generator.normal(size=size) * 0.4, network.dtype)
    return model


def inputs_of(model: Model, batch: int, seed: int) -> dict[str, np.ndarray]:
    """Normal numbers, or rows of the tables that read them."""
    generator, graph = draw(seed), model.network.graph
    found = {}
    for node, name in zip(graph.inputs, graph.input_names, strict=True):
        rows = [reader.layer.table_rows for reader in graph.readers(node)]
        if all(rows):
            found[name] = generator.integers(0, min(rows), (batch, *node.shape))
        else:
            found[name] = generator.normal(size=(batch, *node.shape)).astype(model.dtype)
    return found


def runtime(path: Path, *, by_reference: bool = False):
    """`run(inputs)` → outputs by name."""
    if by_reference:
        reference = ReferenceEvaluator(str(path))
        return lambda inputs: dict(zip(reference.output_names, reference.run(None, inputs), strict=True))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return lambda inputs: dict(zip(names, session.run(None, inputs), strict=True))


def agree(model: Model, path: Path, seeds=(0,), batches=(1, 3, 17), *, by_reference: bool = False) -> None:
    """ONNX Runtime computes what `predict` does, within the tolerance of the model's float type."""
    for seed in seeds:
        model.export(path)
        run = runtime(path, by_reference=by_reference)
        for batch in batches:
            inputs = inputs_of(model, batch, seed + 100 * batch)
            expected = model.predict(inputs)
            expected = expected if isinstance(expected, list) else [expected]
            found = run(inputs)
            assert list(found) == model.output_names
            for own, other in zip(expected, found.values(), strict=True):
                assert (other.dtype, other.shape) == (own.dtype, own.shape)
                assert np.all(np.isfinite(own))
                assert np.ptp(own) > 0 or own.size == 1  # constants would agree with anything
                distance = np.linalg.norm(other - own) / np.linalg.norm(own)
                assert distance <= TOLERANCE[model.dtype], distance
