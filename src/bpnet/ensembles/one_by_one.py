"""K networks of one architecture, trained one after another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from bpnet.formats.architecture import built_architecture, described_graph
from bpnet.formats.compiled import built_compile, described_compile
from bpnet.models import Model
from bpnet.nn.graph import chain
from bpnet.nn.model_graph import model_graph
from bpnet.nn.regularizers import L2
from bpnet.training.history import History, TrainingDivergedError


class OneByOne:
    """K networks of one architecture, each as its own single run."""

    def __init__(
        self,
        model: Model,
        models: int | None = None,
        *,
        seeds: Any = None,
        learning_rate: Any = None,
        weight_decay: Any = None,
        l2: Any = None,
        dropout: Any = None,
        at_once: int | None = None,
    ) -> None:
        given = [seeds, learning_rate, weight_decay, l2, dropout]
        count = models or max(len(one) for one in given if isinstance(one, Sequence))
        seeds = list(range(model.seed, model.seed + count)) if seeds is None else seeds
        columns = [[one] * count if one is None or np.ndim(one) == 0 else list(one) for one in (seeds, *given[1:])]
        self._members = [_like(model, *row) for row in zip(*columns, strict=True)]
        self.histories: list[History] = []

    def fit(
        self,
        x: Any,
        y: Any,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: int | str = "auto",
        *,
        validation_data: tuple[Any, ...] | None = None,
        shuffle: bool = True,
        sample_weight: Any = None,
    ) -> list[History]:
        """Train each."""
        self.histories = []
        for member in self._members:
            if self.histories and self.histories[-1].interrupted:
                self.histories.append(History(interrupted=True))
                continue
            try:
                history = member.fit(x, y, batch_size, epochs, verbose, validation_data=validation_data,
                                     shuffle=shuffle, sample_weight=sample_weight)  # fmt: skip
            except TrainingDivergedError as error:
                history = error.history
                history.diverged = True
            self.histories.append(history)
        return self.histories

    def member(self, k: int) -> Model:
        """The k-th."""
        return self._members[k]

    def __len__(self) -> int:
        return len(self._members)


def _like(model: Model, seed: int, learning_rate: Any, weight_decay: Any, l2: Any, dropout: Any) -> Model:
    facts = described_graph(model.network.graph, is_chain=model.is_chain)
    for layer in facts["layers"]:
        if layer["class"] == "Dropout" and dropout is not None:
            layer["settings"]["rate"] = dropout
    how = described_compile(model.optimizer, model.terms)
    if weight_decay is not None:
        how["optimizer"]["settings"]["weight_decay"] = weight_decay
    built = built_architecture(facts)
    if l2 is not None:
        for layer in built.layers:
            if hasattr(layer, "kernel_regularizer"):
                layer.kernel_regularizer = L2(l2)
    other = Model(backend=model.backend, dtype=model.dtype, seed=seed)
    other.build(
        chain(built.layers, built.inputs[0].shape) if built.is_chain else model_graph(built.inputs, built.outputs)
    )
    other.compile(**built_compile(how))
    if learning_rate is not None:
        other.learning_rate = learning_rate
    return other
