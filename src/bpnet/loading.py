"""`bpnet.load_model`: a model made of a file, on any backend."""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any

from bpnet.backend import DTYPES, Backend
from bpnet.formats import container
from bpnet.formats.architecture import Architecture, built_architecture
from bpnet.formats.container import CheckpointError, Content
from bpnet.formats.description import Custom
from bpnet.formats.model import readable, require_arrays
from bpnet.models import Model
from bpnet.names import look_up
from bpnet.nn.graph import Graph, chain
from bpnet.nn.model_graph import model_graph
from bpnet.sequential import Sequential


def load_model(
    path: str | os.PathLike[str],
    *,
    backend: str | Backend | None = None,
    dtype: str | None = None,
    custom_objects: Custom | None = None,
) -> Any:
    """The model that `model.save(path)` wrote: a Model, a Sequential, or a `bpnet.tables.TableModel`.

    It predicts as the saved one did, and `fit` goes on as it would have gone on there: on the same backend bit for bit.
    `backend` is what `bpnet.load` takes, whatever the model was saved on; `dtype` defaults to the model's own.
    `custom_objects` are classes and functions of your own by name: nothing that the file names is imported.
    CheckpointError: the file is missing, damaged, newer than this bpnet, or names what `custom_objects` lacks.
    """
    content = container.read(path)
    try:
        model = model_of(content, backend=backend, dtype=dtype, custom_objects=custom_objects)
    except CheckpointError as error:
        raise CheckpointError(f"path: {os.fspath(path)!r}: {error}") from error
    if "table" in content.facts:
        return import_module("bpnet.tables").TableModel.of(model, content.facts["table"])
    return model


def model_of(
    content: Content,
    *,
    backend: str | Backend | None = None,
    dtype: str | None = None,
    custom_objects: Custom | None = None,
) -> Model:
    """A new model of a content. CheckpointError: its facts do not make one, or not one that its arrays fit."""
    with readable("facts"):
        facts = content.facts["architecture"], content.facts["dtype"], content.facts["seed"]
        saved_dtype = look_up("dtype", facts[1], {known: known for known in DTYPES})
    with readable("architecture"):
        architecture = built_architecture(facts[0], custom_objects)
        graph = _graph(architecture)
        if graph is not None:
            require_arrays(content, graph)
    chosen: dict[str, Any] = {"backend": backend, "dtype": dtype or saved_dtype}
    model = Sequential(**chosen) if architecture.is_chain else Model(**chosen)
    with readable("architecture"):
        model.seed = int(facts[2])  # checked when it is restored
        if isinstance(model, Sequential):
            for node in architecture.inputs:
                model.add(node)
            for layer in architecture.layers:
                model.add(layer)
        elif graph is not None:
            model.build(graph)
    model.restore(content, custom_objects)
    return model


def _graph(architecture: Architecture) -> Graph | None:
    """The graph, none of whose arrays are there yet; None for a chain whose input shape is not known."""
    if not architecture.is_chain:
        return model_graph(architecture.inputs, architecture.outputs)
    if not architecture.inputs:
        return None
    return chain(architecture.layers, architecture.inputs[0].shape)
