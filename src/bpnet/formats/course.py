"""A run as a checkpoint has it: its place in facts, and as arrays what callbacks and L-BFGS keep."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from bpnet.data.arrays import whole_number
from bpnet.formats.container import CheckpointError, Content
from bpnet.formats.model import history_of
from bpnet.training.course import Course
from bpnet.training.evaluations import Evaluations
from bpnet.training.history import History

ARRAY = "$array"
"""The key of what stands for an array in a callback's state: its name among the arrays."""


def sameness(course: Course) -> dict[str, Any]:
    """`course.same` as JSON."""
    return {name: value() if callable(value) else value for name, value in course.same.items()}


def checkpoint(course: Course, model: Content) -> Content:
    """The model with the run that it is in."""
    arrays = dict(model.arrays)
    run = {
        "same": sameness(course),
        "first_epoch": course.first_epoch,
        "epochs": course.epochs,
        "micro_batch": course.micro_batch,
        "batches": course.batches,
        "totals": course.totals,
        "ended": course.ended,
        "complete": course.complete,
        "callbacks": [
            {
                "name": type(callback).__name__,
                "steers": callback.steers,
                "state": _plain(callback.state(), f"callbacks/{i}", arrays),
            }
            for i, callback in enumerate(course.callbacks)
        ],
    }
    if course.evaluations is not None and course.evaluations.start is not None:
        run["evaluations"] = _evaluations(course.evaluations, arrays)
    return Content("checkpoint", arrays, {**course.facts, **model.facts, "history": asdict(course.history), "run": run})


def take_from(content: Content, course: Course) -> None:
    """Let the course be what the checkpoint says. CheckpointError: it remembers something for a callback not given."""
    run = content.facts["run"]
    history = history_of(content.facts["history"]) or History()
    _require("history", history.epoch == list(range(len(history.epoch))))
    _require("history", all(len(row) == len(history.epoch) for row in history.history.values()))
    history.interrupted = False
    course.states = _matched(course, run["callbacks"], content.arrays)
    course.history = history
    course.first_epoch, course.micro_batch = whole_number("first_epoch", run["first_epoch"], least=0), None
    if run["micro_batch"] is not None:
        course.micro_batch = whole_number("micro_batch", run["micro_batch"])
    course.batches, course.totals, course.ended = run["batches"], run["totals"], run["ended"]
    batches = -(-course.samples // course.same["batch_size"])
    _require("batches", type(course.batches) is int and 0 <= course.batches < batches)
    _require("totals", isinstance(course.totals, list) and all(isinstance(x, int | float) for x in course.totals))
    _require("totals", bool(course.totals) == bool(course.batches))
    course.complete = run["complete"]
    _require("ended", isinstance(course.ended, bool) and isinstance(course.complete, bool))
    if not course.is_over:
        history.converged, history.message, history.kept = False, "", None
    if "evaluations" in run:
        course.evaluations = _evaluations_of(run["evaluations"], content.arrays)


def _require(what: str, fits: bool) -> None:
    if not fits:
        raise ValueError(f"{what}: it does not fit the rest of the file")


def _matched(course: Course, stored: list[dict[str, Any]], arrays: Mapping[str, Any]) -> list[tuple[Any, Any]]:
    """The states that are not empty, each with the callback of its name, the first with the first."""
    states: list[tuple[Any, Any]] = []
    free = list(course.callbacks)
    for each in stored:
        _require("callbacks", isinstance(each["state"], dict) and isinstance(each["steers"], bool))
        callback = next((one for one in free if type(one).__name__ == each["name"]), None)
        if callback is not None:
            free.remove(callback)
            if each["state"]:
                states.append((callback, _filled(each["state"], arrays)))
        elif each["state"] and each["steers"]:
            given = ", ".join(type(one).__name__ for one in course.callbacks) or "none"
            raise CheckpointError(
                f"resume: the checkpoint has something for the callback {each['name']}, and the callbacks given are: "
                f"{given}. Mend: callbacks as in the run that is resumed"
            )
    return states


def _plain(value: Any, name: str, arrays: dict[str, Any]) -> Any:
    """The value as JSON; arrays go to `arrays` under names below `name`."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        while name in arrays:  # a key with a slash in it may look like two
            name += "'"
        arrays[name] = value
        return {ARRAY: name}
    if isinstance(value, Mapping):
        return {str(key): _plain(each, f"{name}/{key}", arrays) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each, f"{name}/{i}", arrays) for i, each in enumerate(value)]
    return value


def _filled(value: Any, arrays: Mapping[str, Any]) -> Any:
    """The inverse of `_plain`."""
    if isinstance(value, Mapping):
        if value.keys() == {ARRAY}:
            return arrays[value[ARRAY]]
        return {key: _filled(each, arrays) for key, each in value.items()}
    return [_filled(each, arrays) for each in value] if isinstance(value, list) else value


def _evaluations(known: Evaluations, arrays: dict[str, Any]) -> dict[str, Any]:
    """Those of whole iterations."""
    whole = known.whole
    arrays["lbfgs/start"] = known.start
    arrays["lbfgs/losses"] = np.array(known.losses[:whole], "float64")
    arrays["lbfgs/gradients"] = np.array(known.gradients[:whole], known.start.dtype).reshape(whole, known.start.size)
    return {"points": known.points[:whole]}


def _evaluations_of(facts: Mapping[str, Any], arrays: Mapping[str, Any]) -> Evaluations:
    points = list(facts["points"])
    start, losses, gradients = (arrays[f"lbfgs/{name}"] for name in ("start", "losses", "gradients"))
    expected = [arrays["theta"].shape, (len(points),), (len(points), *arrays["theta"].shape)]
    _require("evaluations", [array.shape for array in (start, losses, gradients)] == expected)
    _require("evaluations", all(array.dtype.kind == "f" for array in (start, losses, gradients)))
    return Evaluations(start, points, [float(loss) for loss in losses], list(gradients), len(points))
