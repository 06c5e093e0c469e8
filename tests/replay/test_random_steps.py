"""Random steps: whatever the operations and the order of reads and writes, the replay is the step.

Pool and persistent memory are drawn upon at random; all values stay within [-1, 1], and no operation enlarges an
error by much, so that the limits below hold for any step.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from backends_here import backend_named
from bpnet_backends.on_cuda import geometry
from bpnet_backends.on_numba import dividing, regions

CALLS = 3
LIMITS = {"float64": 1e-12, "float32": 1e-4}
"""Absolute. A step has 25 operations at most, of which a sum of 600 is the worst: 25 · 600 · 6e-8 in float32 is 1e-3 if
all its roundings point one way, which they do not; in float64 they are 5e8 times smaller."""

UNARY: list[Callable[[Any, Any], Any]] = [
    lambda xp, a: xp.tanh(a),
    lambda xp, a: -a,
    lambda xp, a: a * a,
    lambda xp, a: xp.exp(a - 1),
    lambda xp, a: xp.abs(a) * 0.5,
    lambda xp, a: xp.flip(a),
    lambda xp, a: a + 0.0,
]
BINARY: list[Callable[[Any, Any, Any], Any]] = [
    lambda xp, a, b: (a + b) * 0.5,
    lambda xp, a, b: (a - b) * 0.5,
    lambda xp, a, b: a * b,
    lambda xp, a, b: xp.maximum(a, b),
    lambda xp, a, b: xp.where(a > b, a, b),
    lambda xp, a, b: a / (2 + b),
]
OWN: list[Callable[[Any, Any, dict[str, Any]], Any]] = [
    lambda xp, a, m: xp.sum(a, axis=0) / a.shape[0],
    lambda xp, a, m: xp.sum(a, axis=1) / a.shape[1],
    lambda xp, a, m: xp.sum(a, axis=1, keepdims=True) / a.shape[1],
    lambda xp, a, m: xp.sum(a) / (a.shape[0] * a.shape[1]),
    lambda xp, a, m: xp.max(a, axis=1, keepdims=True),
    lambda xp, a, m: xp.min(a),
    lambda xp, a, m: xp.cumulative_sum(a, axis=0) / a.shape[0],
    lambda xp, a, m: xp.take(a, m["rows"], axis=0),
    lambda xp, a, m: a.T @ m["x"] / a.shape[0] if a.shape[0] == m["x"].shape[0] else a.T @ a / a.shape[0],
    lambda xp, a, m: a @ m["square"] / a.shape[1],
    lambda xp, a, m: a.T if a.shape[0] == a.shape[1] else a[::-1, :],
    lambda xp, a, m: xp.where(m["mask"], a, 0.5) if a.shape == m["mask"].shape else a,
]
"""Of an array of two axes."""

CUMULATIVE = 6
"""Which of them no GPU backend replays."""


@st.composite
def steps(draw: Any) -> tuple[int, int, list[tuple[int, ...]]]:
    """Rows, columns, and operations as numbers, whose meaning depends on what there is when they are reached."""
    n, k = draw(st.sampled_from([(600, 5), (600, 3), (37, 5), (5, 5), (40, 40), (64, 1), (1, 4)]))
    number = st.integers(0, 999)
    operation = st.tuples(st.integers(0, 5), number, number, number)
    return n, k, draw(st.lists(operation, min_size=10, max_size=25))


def memory(backend: Any, n: int, k: int, dtype: str) -> dict[str, Any]:
    shapes = {"x": (n, k), "y": (n, k), "v": (n,), "c": (n, 1), "w": (k,), "s": (), "square": (k, k)}
    made = {name: backend.asarray(np.zeros(shape), dtype) for name, shape in shapes.items()}
    made["theta"] = backend.asarray(np.zeros(n * k + n + k), dtype)
    made["rows"] = backend.asarray(np.zeros(n), "int64")
    made["mask"] = backend.asarray(np.zeros((n, k)), "bool")
    return made


def fill(backend: Any, arrays: dict[str, Any], rng: np.random.Generator, dtype: str) -> None:
    for name, array in arrays.items():
        if name == "rows":
            new = rng.integers(0, array.shape[0], size=array.shape[0])
        elif name == "mask":
            new = rng.random(array.shape) > 0.5
        else:
            new = rng.uniform(-1, 1, size=array.shape).astype(dtype)
        array[...] = backend.asarray(new, new.dtype.name)


def view(xp: Any, theta: Any, n: int, k: int, choice: int) -> Any:
    """A part of theta, which may overlap others and have another shape."""
    shapes = [(n, k), (n,), (k,), (k, n), (n, 1)]
    shape = shapes[choice % len(shapes)]
    size = int(np.prod(shape))
    start = choice * 7 % (theta.shape[0] - size + 1)
    found = xp.reshape(theta[start : start + size], shape)
    return found.T if shape == (k, n) else found


def run(xp: Any, m: dict[str, Any], n: int, k: int, program: list[tuple[int, ...]]) -> None:
    """The step."""
    pool = [m[name] for name in ("x", "y", "v", "c", "w", "s")]
    for kind, i, j, which in program:
        a, b = pool[i % len(pool)], pool[j % len(pool)]
        if kind == 0:
            made = UNARY[which % len(UNARY)](xp, a)
        elif kind == 1:
            fits = [x for x in pool if broadcast(a.shape, x.shape, n, k)]
            made = BINARY[which % len(BINARY)](xp, a, fits[j % len(fits)])
        elif kind == 2:
            wide = [x for x in pool if x.shape == (n, k)]
            made = OWN[which % len(OWN)](xp, wide[i % len(wide)], m)
        elif kind == 3:
            made = view(xp, m["theta"], n, k, which)
        else:  # write into memory that outlives the step
            target = view(xp, m["theta"], n, k, which) if kind == 4 else pool[which % 6]
            fits = [x for x in pool if x.shape == target.shape] or [0.25]
            value = fits[j % len(fits)]
            if i % 3:
                target[...] = value
            elif i % 2:
                target[...] = (target + value) * 0.5
            else:
                target *= value
            made = b
        pool.append(made)
    # What has not been written yet, and would be left out.
    for x in pool[-4:]:
        m["s"][...] = (m["s"] + xp.max(x)) * 0.5


def broadcast(a: tuple[int, ...], b: tuple[int, ...], n: int, k: int) -> bool:
    """Together they make one of the shapes of the pool."""
    try:
        return np.broadcast_shapes(a, b) in {(), (n,), (k,), (n, 1), (n, k), (k, k)}
    except ValueError:
        return False


def compare(spec: str, step: tuple[int, int, list[tuple[int, ...]]], dtype: str, limit: float) -> None:
    n, k, program = step
    plain, backend = backend_named("numpy"), backend_named(spec)
    expected, found = memory(plain, n, k, dtype), memory(backend, n, k, dtype)
    captured = backend.capture(lambda: run(backend.xp, found, n, k, program))
    for call in range(CALLS):
        fill(plain, expected, np.random.default_rng(call), dtype)
        fill(backend, found, np.random.default_rng(call), dtype)
        run(plain.xp, expected, n, k, program)
        captured()
        for name, x in expected.items():
            what = f"{name} after call {call}"
            np.testing.assert_allclose(backend.to_numpy(found[name]), np.asarray(x), rtol=0, atol=limit, err_msg=what)


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(step=steps(), dtype=st.sampled_from(["float64", "float32"]))
def test_a_random_step_is_replayed_bit_for_bit_on_numpy(step, dtype):
    compare("numpy", step, dtype, 0.0)


# No shrinking: each smaller step would be compiled.
@settings(max_examples=25, deadline=None, derandomize=True, database=None, phases=[Phase.generate])
@given(step=steps(), dtype=st.sampled_from(["float64", "float32"]))
def test_a_random_step_is_replayed_on_numba_in_many_chunks(step, dtype):
    """Little work is made to count as much, so that rows are divided among threads wherever they may be."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(regions, "WORTH_DIVIDING", 1.0)
        patch.setattr(regions, "CHUNK", 100.0)
        patch.setattr(dividing, "MANY_ROWS", 32)
        compare("numba", step, dtype, LIMITS[dtype])


@settings(max_examples=25, deadline=None, derandomize=True, database=None, phases=[Phase.generate])
@given(
    step=steps(),
    dtype=st.sampled_from(["float64", "float32"]),
    alone=st.sampled_from([1, 8]),
    kept=st.sampled_from([1, 8]),
)
def test_a_random_step_is_replayed_on_an_emulated_gpu(step, dtype, alone, kept):
    """In many blocks too, whose sums are joined, and with rows too long for registers."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(geometry, "ALONE", alone)
        patch.setattr(geometry, "VISITS", alone)
        patch.setattr(geometry, "IN_REGISTERS", kept)
        patch.setattr(geometry, "WORTH_SPREADING", 1)
        patch.setitem(globals(), "OWN", [*OWN[:CUMULATIVE], lambda xp, a, m: xp.max(a, axis=0), *OWN[CUMULATIVE + 1 :]])
        compare("emulated", step, dtype, LIMITS[dtype])
