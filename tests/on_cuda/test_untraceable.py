"""What cannot be replayed ends a trace, by name; nothing has happened then. Errors are errors of the step."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from bpnet_backends.on_cuda import tracing
from on_cuda.interpreted import Interpreted

OBSTACLES: dict[str, Callable[[Interpreted, Any], Any]] = {
    r"float\(\) of an array": lambda be, x: float(x[0, 0]),
    r"bool\(\) of an array": lambda be, x: 1 if x[0, 0] > 0 else 2,
    r"int\(\) of an array": lambda be, x: int(x[0, 0]),
    r"index\(\) of an array": lambda be, x: [1, 2][be.xp.astype(x[0, 0], be.xp.int64)],
    "to_numpy": lambda be, x: be.to_numpy(x),
    "a selection by truth values": lambda be, x: x[x > 0],
    "assignment to selected elements": lambda be, x: x.__setitem__(x > 0, 1.0),
    r"xp\.cumulative_sum": lambda be, x: be.xp.cumulative_sum(x, axis=0),
    r"xp\.sort": lambda be, x: be.xp.sort(x),
    r"xp\.nonzero": lambda be, x: be.xp.nonzero(x),
    r"xp\.linalg\.outer": lambda be, x: be.xp.linalg.outer(x[0], x[0]),
    r"xp\.unique_values": lambda be, x: be.xp.unique_values(x),
    "repeat by an array": lambda be, x: be.xp.repeat(x, be.xp.asarray([1, 2]), axis=0),
    "asarray of a list of arrays": lambda be, x: be.xp.asarray([x[0, 0], x[0, 1]]),
    "the values of an array": lambda be, x: (x + 1).own,
    "an array that is none of this backend's": lambda be, x: x + np.ones((2, 2)),
    "something else than an array or a number": lambda be, x: x.__setitem__((0, ...), [1.0, 2.0]),
    "an array of another device": lambda be, x: x + Interpreted().asarray([[0.0]], "float64"),
    "handing an array to another library": lambda be, x: np.from_dlpack(x),
}


@pytest.mark.parametrize("what", OBSTACLES)
def test_the_obstacle_is_named_and_nothing_has_changed(what: str) -> None:
    backend = Interpreted()
    x = backend.asarray([[1.0, -2.0], [3.0, 4.0]], "float64")
    reached: list[str] = []

    def step() -> None:
        x[...] = x * 2
        try:
            OBSTACLES[what](backend, x)
        except Exception:
            reached.append("an error of the step's own")
        reached.append("the end")

    traced = tracing.trace(step, backend.home)
    assert traced.record.obstacle is not None
    assert re.search(what, traced.record.obstacle)
    assert not reached
    assert not tracing.listening()
    np.testing.assert_array_equal(backend.to_numpy(x), [[1.0, -2.0], [3.0, 4.0]])


def test_outside_of_traced_steps_they_are_none() -> None:
    backend = Interpreted()
    for what, work in OBSTACLES.items():
        if "none of this backend's" not in what and "list of arrays" not in what:
            work(backend, backend.asarray([[1.0, -2.0], [3.0, 4.0]], "float64"))


def test_an_array_of_a_traced_step_has_no_values_afterwards() -> None:
    backend = Interpreted()
    x, kept = backend.asarray([1.0, 2.0], "float64"), []
    tracing.trace(lambda: kept.append(x + 1), backend.home)
    assert kept[0].shape == (2,)
    assert "not computed" in repr(kept[0])
    with pytest.raises(RuntimeError, match=r"that a traced step made, expected an array with values. Mend: "):
        kept[0] + 1
    assert "of an earlier traced step" in str(tracing.trace(lambda: kept[0] + x, backend.home).record.obstacle)


def test_an_error_in_the_step_ends_the_trace_and_comes_out() -> None:
    backend = Interpreted()
    x = backend.asarray(np.zeros((2, 3)), "float64")
    for wrong in (
        lambda: x + backend.asarray(np.zeros((4,)), "float64"),
        lambda: x @ x,
        lambda: backend.xp.reshape(x, (5,)),
        lambda: x[0, 7],
        lambda: x.__setitem__((0, ...), x),
        lambda: backend.xp.concat([x, x.T], axis=1),
        lambda: backend.xp.max(x[:0, :]),
        lambda: backend.xp.asarray([1, 2]).__iadd__(0.5),
        lambda: backend.xp.sum(x, axis=4),
        lambda: x.__iadd__(backend.asarray(np.zeros((4, 2, 3)), "float64")),
    ):
        with pytest.raises((ValueError, IndexError, TypeError)):
            tracing.trace(wrong, backend.home)
        assert not tracing.listening()


def test_one_trace_at_a_time_in_each_thread() -> None:
    backend = Interpreted()
    x = backend.asarray([1.0], "float64")
    found: list[Any] = []

    def elsewhere() -> None:
        found.append((tracing.listening(), float(x[0])))

    def step() -> None:
        with pytest.raises(RuntimeError, match="a step is traced already"):
            tracing.trace(lambda: None, backend.home)
        worker = threading.Thread(target=elsewhere)
        worker.start()
        worker.join()

    assert tracing.trace(step, backend.home).record.obstacle is None
    assert found == [(False, 1.0)]


def test_stop_outside_of_a_traced_step_does_nothing() -> None:
    tracing.stop("anything")
    assert not tracing.listening()
