"""A model as `Content` and back: all that training goes on from.

Everything is checked before anything is written, so a content that does not fit leaves a model's numbers as they were.
"""

from __future__ import annotations

import platform
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import numpy as np

from bpnet.formats.architecture import described_chain, described_graph, difference
from bpnet.formats.compiled import built_compile, compile_difference, described_compile
from bpnet.formats.container import CheckpointError, Content
from bpnet.formats.description import Custom
from bpnet.nn.graph import Graph
from bpnet.nn.network import layouts
from bpnet.training.history import History
from bpnet.training.out_of_memory import is_out_of_memory
from bpnet.version import __version__


def content_of(model: Any, *, custom: Custom | None = None, command: str | None = None) -> Content:
    """The model's weights, running statistics, random streams, optimizer, history, and how it is made and compiled."""
    architecture = described_model(model, custom)
    facts: dict[str, Any] = {
        "architecture": architecture,
        "compile": described_compile(model.optimizer, model.terms, custom) if model.is_compiled else None,
        "dtype": model.dtype,
        "seed": model.seed,
        "epochs_seen": model.epochs_seen,
        "learning_rate": None,
        "history": None if model.history is None else dict(vars(model.history)),
        "provenance": provenance(model.backend, command),
    }
    arrays: dict[str, np.ndarray] = {}
    if architecture["nodes"]:
        backend, network = model.backend, model.network
        arrays = {name: backend.to_numpy(getattr(network, name)) for name in ("theta", "state", "keys")}
        if model.is_compiled:
            optimizer = model.bind()[1]
            vectors = enumerate(optimizer.vectors())
            arrays |= {f"optimizer/{i}": backend.to_numpy(vector) for i, vector in vectors}
            facts["learning_rate"] = base_rate(model)
    return Content("model", {name: np.array(array) for name, array in arrays.items()}, facts)


def restore(model: Any, content: Content, custom: Custom | None = None) -> None:
    """The inverse. CheckpointError: another architecture, another way of training, or arrays that do not fit."""
    facts = content.facts
    with readable("architecture"):
        told = difference(facts["architecture"], own := described_model(model))
        if told is None and own["nodes"] and not facts["architecture"]["nodes"]:
            told = "the file is of a model that is not built yet"
        shape = None if own["nodes"] else facts["architecture"]["nodes"][:1]
    if told:
        raise CheckpointError(f"architecture: {told}. Mend: make the model as the saved one was, or bpnet.load_model")
    with readable("facts"):
        seed, epochs_seen = _count(facts["seed"]), _count(facts["epochs_seen"])
        history = history_of(facts["history"])
        rate, compiled = facts["learning_rate"], facts["compile"]
    if model.is_compiled and compiled is not None:
        with readable("compile"):
            own = described_compile(model.optimizer, model.terms)
            told = compile_difference(compiled, own)
        if told:
            raise CheckpointError(
                f"compile: {told}. Mend: compile as for the saved model; model.learning_rate may be set afterwards"
            )
    if shape:
        model.take_input_shape(shape[0]["input"])
    if compiled is not None and not model.is_compiled:
        with readable("compile"):
            model.compile(**built_compile(compiled, custom))
    if facts["architecture"]["nodes"]:
        _fill(model, content, rate)
    model.seed, model.epochs_seen, model.history = seed, epochs_seen, history


def _fill(model: Any, content: Content, rate: float | None) -> None:
    """Write the arrays over the model's, each in place, so that a step that was captured goes on with them."""
    backend, network = model.backend, model.network
    require_arrays(content, network.graph)
    places = [(network.theta, "theta"), (network.state, "state"), (network.keys, "keys")]
    optimizer = model.bind()[1] if model.is_compiled and content.facts["compile"] is not None else None
    if optimizer is not None:
        places += [(vector, f"optimizer/{i}") for i, vector in enumerate(optimizer.vectors())]
    own = [backend.to_numpy(vector) for vector, _ in places]
    for array, (_, name) in zip(own, places, strict=True):
        saved = content.arrays.get(name)
        if saved is None or saved.shape != array.shape or saved.dtype.kind != array.dtype.kind:
            raise CheckpointError(
                f"arrays: {name!r} is {_described(saved)}, expected {_described(array)}. Mend: {_MEND}"
            )
    if optimizer is not None and rate is not None:
        with readable("learning_rate"):
            optimizer.set_rate(float(rate))
    for array, (vector, name) in zip(own, places, strict=True):
        vector[...] = backend.asarray(content.arrays[name], array.dtype.name)


def require_arrays(content: Content, graph: Graph) -> None:
    """CheckpointError unless theta, state and keys have the sizes that the graph asks for; nothing is allocated."""
    parameters, states = layouts(graph)
    for name, size in (("theta", parameters.size), ("state", states.size), ("keys", len(graph.layers))):
        saved = content.arrays.get(name)
        if saved is None or saved.shape != (size,) or saved.dtype.kind != ("i" if name == "keys" else "f"):
            raise CheckpointError(
                f"arrays: {name!r} is {_described(saved)}, and the architecture asks for {size:,} numbers. "
                f"Mend: {_MEND}"
            )


def described_model(model: Any, custom: Custom | None = None) -> dict[str, Any]:
    """The architecture; a chain's without nodes where its input shape is not known yet."""
    if model.is_chain and not model.can_build:
        return described_chain(model.layers, custom)
    return described_graph(model.network.graph, is_chain=model.is_chain, custom=custom)


def base_rate(model: Any) -> float | None:
    """The learning rate that the schedule's factor multiplies; None where the optimizer has none."""
    rate = getattr(model.bind()[1], "base_rate", None)
    return None if rate is None else float(model.backend.to_numpy(rate))


def provenance(backend: Any, command: str | None = None) -> dict[str, Any]:
    """Who wrote a file: versions, the backend and its device, the time, the command line where one is given."""
    found = {
        "bpnet": __version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "backend": backend.name,
        "device": backend.device,
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    return found if command is None else found | {"command": command}


def history_of(facts: Any) -> History | None:
    """The history that a file keeps; ValueError where it is none."""
    if facts is None:
        return None
    history = History(**facts)
    figures = history.history.values()
    if not all(type(epoch) is int for epoch in history.epoch):
        raise ValueError("an epoch is no whole number")
    if history.kept is not None and history.kept not in history.epoch:
        raise ValueError("the epoch that is kept is none of them")
    if not all(isinstance(row, list) and all(isinstance(x, int | float) for x in row) for row in figures):
        raise ValueError("a figure is no number")
    return history


_MEND = "take another copy of the file, or an earlier checkpoint"


@contextmanager
def readable(what: str) -> Iterator[None]:
    """While it lasts, whatever is wrong with a file's facts is a CheckpointError that says which of them."""
    try:
        yield
    except CheckpointError:
        raise
    except Exception as error:
        if is_out_of_memory(error):
            raise
        told = f"it lacks {error}" if isinstance(error, KeyError) else f"{error}"[:500]
        mend = "" if "Mend: " in told else f". Mend: {_MEND}"
        raise CheckpointError(f"{what}: what the file says cannot be taken: {told}{mend}") from error


def _count(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ValueError(f"{str(value)[:80]} was found, expected a whole number from 0")
    return value


def _described(array: np.ndarray | None) -> str:
    return "missing" if array is None else f"{array.dtype} of shape {array.shape}"
