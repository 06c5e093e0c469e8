"""What the processes that share a run must have in common, as JSON that can be compared before the first step."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from hashlib import sha256
from typing import Any
from zlib import crc32

import numpy as np

from bpnet.data.samples import Samples
from bpnet.formats.compiled import described_compile
from bpnet.formats.course import sameness
from bpnet.formats.model import described_model
from bpnet.formats.plain import json_text
from bpnet.training.course import Course

WHOLE = 1 << 24
"""Numbers of a data set all of which are looked at; of larger ones, which may lie on a disk, only some rows."""


def facts(model: Any, course: Course, data: Samples, held_out: Samples | None) -> dict[str, Any]:
    """Causes before what follows from them: the data and settings, the architecture, the weights."""
    optimizer = model.bind()[1]
    network = model.network
    vectors = (network.theta, network.state, network.keys, *optimizer.vectors())
    found: dict[str, Any] = {"backend": model.backend.name, **sameness(course), "epochs": course.epochs}
    checksums = {
        "data": found.pop("checksum of the data"),
        "validation data": found.pop("checksum of the validation data"),
    }
    for name, part in (("data", data), ("validation data", held_out)):
        if part is not None and part.numbers <= WHOLE:
            checksums[name] = _checksum((*part.x, *part.y, *(() if part.weight is None else (part.weight,))))
    found["architecture"] = _digest(lambda: described_model(model), network.graph.layers)
    found["compile"] = _digest(
        lambda: described_compile(model.optimizer, model.terms), [model.optimizer, *(term.loss for term in model.terms)]
    )
    found["callbacks"] = [type(callback).__name__ for callback in course.callbacks if callback.steers]
    found["epochs done"] = len(course.history.epoch)
    found["weights"] = _checksum(np.array(model.backend.to_numpy(vector)) for vector in vectors)
    return json.loads(json.dumps(checksums | found, default=str))  # type: ignore[no-any-return]


def _digest(describe: Callable[[], Any], parts: Iterable[Any]) -> str:
    """Of what a file would have; where none can have it, as of a function without a name, of the parts' classes."""
    try:
        found = describe()
    except TypeError:
        found = {"classes": [type(part).__qualname__ for part in parts]}
    return f"checksum {sha256(json_text(found).encode()).hexdigest()[:16]}"


def _checksum(arrays: Iterable[np.ndarray]) -> str:
    value = 0
    for array in arrays:
        value = crc32(np.ascontiguousarray(array).tobytes(), value)
    return f"checksum {value:08x}"
