"""A file whose checksum is right may still say anything: no memory is taken for what its arrays do not bear out."""

import copy
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bpnet
from bpnet import Adam, CheckpointError, Conv2D, Dense, Flatten, Input, Sequential
from bpnet.formats.architecture import MOST, MOST_JOINTS
from bpnet.formats.container import Content, write


def small() -> Content:
    layers = [Input((4, 4, 1)), Conv2D(2, 3, activation="relu"), Flatten(), Dense(3, "softmax")]
    model = Sequential(layers, backend="numpy")
    model.compile(Adam(0.1), "sparse_categorical_crossentropy", ["accuracy"])
    return model.content()


SMALL = small()
CONV = SMALL.facts["architecture"]["layers"][0]
FLAT = SMALL.facts["architecture"]["layers"][1]


def layer(number: int, **settings: Any) -> Callable[[Any], None]:
    def change(facts: Any) -> None:
        facts["architecture"]["layers"][number]["settings"] |= settings

    return change


def initializer(name: str, **settings: Any) -> dict[str, Any]:
    return {"kind": "initializer", "class": name, "settings": settings}


def architecture(**changed: Any) -> Callable[[Any], None]:
    def change(facts: Any) -> None:
        facts["architecture"] |= changed

    return change


def many(layers: int, nodes: int, joints: int = 1) -> Callable[[Any], None]:
    def change(facts: Any) -> None:
        add = {"kind": "layer", "class": "Average", "settings": {}, "name": "a", "named": False}
        facts["architecture"] = {
            "class": "Model",
            "layers": [FLAT | {"name": f"f{i}"} for i in range(layers)] + [add],
            "nodes": [{"input": [4], "name": None}]
            + [{"layer": min(i, layers - 1), "inputs": [i]} for i in range(nodes)]
            + [{"layer": layers, "inputs": [0] * joints}],
            "inputs": [0],
            "outputs": [nodes + 1],
        }

    return change


def replace(path: str, value: Any) -> Callable[[Any], None]:
    """`path` goes through dictionaries and lists."""
    *way, last = [int(part) if part.isdecimal() else part for part in path.split("/")]

    def change(facts: Any) -> None:
        for part in way:
            facts = facts[part]
        facts[last] = value

    return change


CHANGES = {
    "units": layer(2, units=10**12),
    "filters": layer(0, filters=10**15),
    "kernel": layer(0, kernel_size=[10**9, 10**9], padding="same"),
    "huge kernel": layer(0, kernel_size=[10**9, 10**9]),
    "negative": layer(2, units=-3),
    "no number": layer(2, units="3"),
    "NaN": layer(2, units=float("nan")),
    "unknown setting": layer(2, unknown=3),
    "wrong kind": layer(2, kernel_initializer={"kind": "loss", "class": "Huber", "settings": {}}),
    "wrong initializer": layer(2, kernel_initializer=initializer("Normal", stddev=-1.0)),
    "vector as constant": layer(2, bias_initializer=initializer("Constant", value=[1, 2])),
    "input": replace("architecture/nodes/0/input", [10**9, 10**9, 1]),
    "input of nothing": replace("architecture/nodes/0/input", []),
    "negative input": replace("architecture/nodes/0/input", [-4, 4, 1]),
    "no input": replace("architecture/inputs", []),
    "node of itself": replace("architecture/nodes/1/inputs", [1]),
    "node from behind": replace("architecture/nodes/1/inputs", [-1]),
    "node that is no number": replace("architecture/nodes/1/inputs", ["0"]),
    "layer that is not there": replace("architecture/nodes/1/layer", 7),
    "class": architecture(**{"class": "Popen"}),
    "layers": architecture(layers=3),
    "nodes": architecture(nodes={}),
    "fewer layers": architecture(layers=[CONV, FLAT]),
    "too many layers": many(MOST, 1),
    "too many nodes": many(1, MOST),
    "too deep": many(1, 1500),
    "too many joints": many(1, 1, MOST_JOINTS),
    "optimizer": replace("compile/optimizer/class", "SGD"),
    "no optimizer": replace("compile/optimizer", None),
    "loss": replace("compile/terms/0/loss", {"kind": "optimizer", "class": "SGD", "settings": {}}),
    "metrics": replace("compile/terms/0/metrics", [3]),
    "more terms": lambda facts: facts["compile"]["terms"].append(facts["compile"]["terms"][0]),
    "rate": replace("learning_rate", "fast"),
    "dtype": replace("dtype", "float8"),
    "dtype that is none": replace("dtype", []),
    "seed": replace("seed", -1),
    "epochs": replace("epochs_seen", 1.5),
    "history": replace("history", [1]),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_facts_that_do_not_fit(name: str, tmp_path: Path) -> None:
    """One error, in a moment, with memory in proportion to the file; 10 s are for a machine that is busy."""
    facts = copy.deepcopy(SMALL.facts)
    CHANGES[name](facts)
    path = tmp_path / "forged"
    write(path, Content("model", SMALL.arrays, facts))
    tracemalloc.start()
    begin = time.perf_counter()
    with pytest.raises(CheckpointError, match="Mend: ") as told:
        bpnet.load_model(path, backend="numpy")
    took, peak = time.perf_counter() - begin, tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert took < 10
    assert peak < 50 * path.stat().st_size + 3_000_000
    assert len(str(told.value)) < 1500


@pytest.mark.parametrize("fact", SMALL.facts)
def test_facts_that_are_missing(fact: str, tmp_path: Path) -> None:
    facts = {name: value for name, value in SMALL.facts.items() if name != fact}
    write(tmp_path / "m", Content("model", SMALL.arrays, facts))
    if fact == "provenance":
        bpnet.load_model(tmp_path / "m", backend="numpy")
        return
    with pytest.raises(CheckpointError, match=f"{fact}.*Mend: "):
        bpnet.load_model(tmp_path / "m", backend="numpy")


@pytest.mark.parametrize("name", SMALL.arrays)
def test_arrays_that_do_not_fit(name: str, tmp_path: Path) -> None:
    own = SMALL.arrays[name]
    for wrong in (np.zeros((*own.shape, 2)), np.zeros(own.size + 1), np.zeros(own.shape, "bool"), None):
        arrays = {key: array for key, array in SMALL.arrays.items() if key != name}
        arrays |= {} if wrong is None else {name: wrong}
        write(tmp_path / "m", Content("model", arrays, SMALL.facts))
        with pytest.raises(CheckpointError, match=f"'{name}'.*Mend: "):
            bpnet.load_model(tmp_path / "m", backend="numpy")
