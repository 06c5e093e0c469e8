"""A table model as an ONNX file: an input for each column as it is in the table, and what `predict` says of it.

Numbers and booleans come as float64 (N, 1), NaN where one is missing, booleans as 0 and 1 and dates as days since 1970;
categories as text (N, 1), the empty string, or any of the words that are read so, where one is missing. ONNX cannot
remove blanks around a text, and computes on where Python refuses infinite numbers; else the predictions are the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from pathlib import Path

import numpy as np

from bpnet.backend import float_dtype
from bpnet.formats.atomic import write_bytes
from bpnet.formats.onnx.exporting import apply
from bpnet.formats.onnx.graph import OnnxGraph
from bpnet.formats.onnx.writing import require_onnx, serialized
from bpnet.names import numbered
from bpnet.nn.network import Network
from bpnet.tables.columns import CategoryColumn, Column, NumberColumn
from bpnet.tables.error import TableError
from bpnet.tables.kinds import MISSING
from bpnet.tables.preprocessing import Preprocessing, input_name
from bpnet.tables.target import Target

ABOUT = {
    "number": "a number (a date: days since 1970-01-01); NaN where it is missing",
    "boolean": "1 or 0; NaN where it is missing",
    "category": "text, without blanks around it; empty where it is missing",
}


def export_table(network: Network, preprocessing: Preprocessing, path: str | Path, *, dtype: str | None = None) -> None:
    """Write preprocessing, network and target as one ONNX file; the network in `dtype`, by default its own.

    The output `prediction` (N,) has classes, or values in the target's own unit; for classes a second output,
    `probabilities` (N, classes), is in the order of the classes.
    """
    require_onnx()
    g = OnnxGraph(float_dtype(dtype or network.dtype))
    if any(column.name == "" for column in preprocessing.columns):
        raise TableError("column '': an input of an ONNX file needs a name. Mend: give the column one before training")
    for column in preprocessing.columns:
        kind = "str" if isinstance(column, CategoryColumn) else "float64"
        g.input(column.name, kind, (1,), ABOUT[column.kind])
    parts, by_name = [], {}
    for column in preprocessing.columns:
        with g.scope(f"column {column.name}"):
            value = _encoded(g, column)
        if column.embedded:
            by_name[input_name(column)] = value
        else:
            parts.append(value)
    if parts:
        by_name["numbers"] = g.cast(g.add("Concat", *parts, axis=1) if len(parts) > 1 else parts[0], g.dtype)
    names = network.graph.input_names if preprocessing.embedded else ["numbers"]
    (value,) = apply(g, network, [by_name[name] for name in names])
    with g.scope(f"target {preprocessing.target.name}"):
        _predicted(g, preprocessing.target, value)
    target = preprocessing.target
    facts = {"bpnet.target": target.name, "bpnet.task": target.task}
    write_bytes(path, serialized(g, "table", f"Predicts {target.name!r} from a row of a table.", facts))


def _encoded(g: OnnxGraph, column: Column) -> str:
    """What `encode` makes of the column: float64 (N, width), or the numbers of its categories, int64 (N, 1)."""
    if isinstance(column, NumberColumn):
        return _number(g, column)
    none = column.categories.index(None) + 1 if None in column.categories else 0
    keys = dict.fromkeys(_missing_words(), none)
    keys |= {category: i + 1 for i, category in enumerate(column.categories) if category is not None}
    codes = g.add(
        "LabelEncoder",
        column.name,
        domain="ai.onnx.ml",
        keys_strings=list(keys),
        values_int64s=list(keys.values()),
        default_int64=0,
    )
    g.integers.add(codes)
    if column.embedded:
        return codes
    first = 0 if column.other else 1
    numbers = g.constant("numbers", np.arange(first, len(column.categories) + 1, dtype="int64"))
    return g.cast(g.add("Equal", codes, numbers), "float64")


def _number(g: OnnxGraph, column: NumberColumn) -> str:
    missing = g.add("IsNaN", column.name)
    fill, mean, std = (np.asarray(value, "float64") for value in (column.fill, column.mean, column.std))
    filled = g.add("Where", missing, g.constant("fill", fill), column.name)
    off = g.add("Sub", filled, g.constant("mean", mean))
    scaled = g.add("Div", off, g.constant("std", std))
    return g.add("Concat", scaled, g.cast(missing, "float64"), axis=1) if column.indicator else scaled


def _missing_words() -> Iterator[str]:
    """Every spelling of the words that stand for a missing value: case does not count."""
    for word in MISSING:
        yield from {"".join(letters) for letters in product(*({c.lower(), c.upper()} for c in word))}


def _predicted(g: OnnxGraph, target: Target, outputs: str) -> None:
    """The inverse of what the target was scaled by, or classes and their probabilities."""
    taken = {port.name for port in g.inputs}
    prediction, probabilities = (numbered(name, taken) for name in ("prediction", "probabilities"))
    if target.task == "regression":
        value = g.cast(g.add("Squeeze", outputs, g.constant("axes", np.array([1]))), "float64")
        value = g.add("Mul", value, g.constant("std", np.asarray(target.std, "float64")))
        value = g.add("Add", value, g.constant("mean", np.asarray(target.mean, "float64")))
        if target.log:
            low, high = (np.asarray(bound, "float64") for bound in (target.low, target.high))
            value = g.add("Exp", g.add("Clip", value, g.constant("low", low), g.constant("high", high)))
        g.output(prediction, value, "float64", (), f"{target.name}, in its own unit")
        return
    if target.task == "binary":
        outputs = g.add("Concat", g.add("Sub", 1.0, outputs), outputs, axis=1)
    classes = np.array(target.classes)
    kind = {"U": "str", "b": "bool", "i": "int64", "f": "float64"}[classes.dtype.kind]
    best = g.add("ArgMax", outputs, axis=1, keepdims=0)
    label = g.add("Gather", g.constant("classes", classes), best, axis=0)
    g.output(prediction, label, kind, (), f"{target.name}: the class that is most probable")
    about = "of " + ", ".join(map(str, target.classes))
    g.output(probabilities, outputs, g.dtype, (len(target.classes),), about)
