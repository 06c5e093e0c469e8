"""A network that answers: what a model is before it learns."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from bpnet.backend import Backend, float_dtype, load, matrix_precision
from bpnet.data import arrays, samples
from bpnet.data.random import generator
from bpnet.expected import expected_inputs
from bpnet.nn.graph import Graph
from bpnet.nn.layer import Layer
from bpnet.nn.network import Network
from bpnet.summary import one_line, table
from bpnet.training.inference import Inference
from bpnet.training.out_of_memory import is_out_of_memory, too_many_samples

MEASURED = 1024
"""Samples at once where nothing is learned, unless another number is given."""


class Predictor:
    """A network with the backend, the float type and the seed that it was made with, its weights and its outputs."""

    def __init__(
        self,
        *,
        backend: str | Backend | None = None,
        dtype: str | None = None,
        seed: int = 0,
        precision: str | None = None,
    ) -> None:
        self.dtype = float_dtype(dtype)
        if backend is None or isinstance(backend, str):
            matrix_precision(precision, self.dtype)
        self.backend = load(backend, precision=precision)
        self.seed = arrays.whole_number("seed", seed, least=0)
        self._network: Network | None = None

    def __repr__(self) -> str:
        return one_line(self)

    @property
    def network(self) -> Network:
        """The graph and its vectors theta, grad and state."""
        if self._network is None:
            raise RuntimeError("the model is not built: its input shape is unknown. Mend: begin it with Input(shape)")
        return self._network

    @property
    def layers(self) -> list[Layer]:
        """Each layer once, in the order of its first place."""
        return list(self.network.graph.layers)

    def count_params(self) -> int:
        """The number of parameters; running statistics are none."""
        return self.network.layout.size

    @property
    def output_shape(self) -> tuple[int, ...]:
        """The shape of one sample's output, of the first where there are several."""
        return self.network.graph.outputs[0].shape

    @property
    def output_names(self) -> list[str]:
        """Each output is called after its layer, by the user of `compile` and in the history."""
        return self.network.graph.output_names

    def build(self, graph: Graph) -> None:
        """Lay out the parameters of `graph` and draw their first values."""
        self._network = Network(
            graph, self.backend, self.dtype, lambda layer, parameter: generator(self.seed, "weights", layer, parameter)
        )
        self._inference = Inference(self._network)
        self._expected_inputs = expected_inputs(graph)

    def get_weights(self) -> list[np.ndarray]:
        """Copies of all parameters and running statistics, layer by layer: w, b, w, b, …"""
        return [self.backend.to_numpy(array) for array in self.network.arrays()]

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Take what `get_weights` returned, from this model or one of the same shapes."""
        views = self.network.arrays()
        given = [np.asarray(array) for array in weights]
        shapes, expected = [array.shape for array in given], [tuple(view.shape) for view in views]
        if shapes != expected:
            raise ValueError(f"weights: arrays of shapes {shapes} came, expected {expected}")
        for view, array in zip(views, given, strict=True):
            view[...] = self.backend.asarray(array, self.dtype)

    def export(self, path: str | Path, *, dtype: str | None = None) -> None:
        """Write an ONNX file of the network at inference; see `bpnet.formats.onnx.export`. Needs the extra `onnx`."""
        from bpnet.formats.onnx import export

        export(self.network, path, dtype=dtype)

    def summary(self) -> None:
        """Print a line a layer: name, kind, output shape, number of parameters; with branches, what it takes in."""
        print(table(self.network))

    def predict(self, x: Any, batch_size: int | None = None, verbose: int | str = 0) -> Any:
        """The output for x, last activation included: an array (samples, …), of several outputs a list of arrays.

        `verbose` is taken as Keras does, and unused.
        """
        size = arrays.whole_number("batch_size", batch_size, default=MEASURED)
        self._network_for(x)
        host = [array for _, array in samples.inputs(self._expected_inputs, x)]
        starts = range(0, len(host[0]), size)

        def outputs_of(start: int, size: int) -> list[np.ndarray]:
            return self._inference([array[start : start + size] for array in host])

        try:
            parts = [outputs_of(start, size) for start in starts]
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            self._inference = Inference(self.network)  # the plan for the size that failed holds memory
            raise too_many_samples(
                error, self.backend, "batch_size", min(size, len(host[0])), partial(outputs_of, 0)
            ) from error
        outputs = parts[0] if len(parts) == 1 else [np.concatenate(part) for part in zip(*parts, strict=True)]
        return outputs[0] if len(outputs) == 1 else outputs

    @property
    def can_build(self) -> bool:
        """Is the input shape known?"""
        return self._network is not None

    def _network_for(self, x: Any) -> Network:
        """The network; where its input shape is still unknown, it is that of x."""
        return self.network
