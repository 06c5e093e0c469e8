"""While a step is traced nothing is computed, and no memory taken but for what it brings to the device."""

from __future__ import annotations

import gc
from typing import Any

import numpy as np
import pytest

import bpnet
from bpnet import Dense, Input, Sequential
from bpnet_backends.on_cuda import tracing
from bpnet_backends.on_numpy.program import overlap
from bpnet_backends.on_numpy.recording import is_alone, root
from bpnet_backends.on_numpy.reserved import reserved
from on_cuda.counting_device import CountingDevice
from on_cuda.interpreted import Interpreted, interpretation


@pytest.fixture
def backend() -> Interpreted:
    return Interpreted(CountingDevice())


def test_the_device_does_notice(backend: Interpreted) -> None:
    own = backend.asarray([1.0, 2.0], "float64").own
    for work in (lambda: own + 1, lambda: own[0], lambda: np.sum(own), lambda: backend.home.xp.zeros(3)):
        with pytest.raises(AssertionError):
            tracing.trace(work, backend.home)


def test_a_training_step(backend: Interpreted) -> None:
    layers = [Input((6, 6, 2)), bpnet.Conv2D(3, 3), bpnet.BatchNormalization(), bpnet.ReLU(), bpnet.MaxPooling2D(2)]
    model = Sequential(
        [*layers, bpnet.Flatten(), Dense(8, "gelu"), bpnet.Dropout(0.3), Dense(3, "softmax")], backend=backend, seed=1
    )
    model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
    rng = np.random.default_rng(2)
    history = model.fit(rng.normal(size=(24, 6, 6, 2)), np.arange(24) % 3, batch_size=8, epochs=2, verbose=0).history
    assert history["loss"][1] < history["loss"][0]
    assert backend.home.allocated == 0
    # The positions by which dropout draws its bits, and the numbers of the classes; everything else was there.
    assert backend.home.brought_in_steps == 2


def test_what_a_step_brings_is_brought_once(backend: Interpreted) -> None:
    out = backend.asarray(np.zeros(3), "float64")

    def step() -> None:
        out[...] = out + backend.asarray([1.0, 2.0, 3.0], "float64") + backend.xp.arange(3, dtype=backend.xp.float64)

    captured = backend.capture(step)
    before = backend.home.brought
    for calls in range(1, 4):
        captured()
        gc.collect()
        np.testing.assert_array_equal(backend.to_numpy(out), calls * np.array([1.0, 3.0, 5.0]))
    assert backend.home.brought == before + 2
    assert [call.kind for call in backend.traced[0].record.calls] == ["elementwise", "elementwise", "copy"]


def test_what_a_step_brings_and_writes_begins_anew(backend: Interpreted) -> None:
    out = backend.asarray(np.zeros((2, 3)), "float64")

    def step() -> None:
        first, second = backend.asarray([1.0, 2.0, 3.0], "float64"), backend.asarray([5.0, 6.0, 7.0], "float64")
        second += first
        first[1:] *= 10.0
        out[0, :], out[1, :] = first, second

    captured = backend.capture(step)
    for _ in range(3):
        captured()
        np.testing.assert_array_equal(backend.to_numpy(out), [[1, 20, 30], [6, 8, 10]])
    traced = backend.traced[0]
    kinds = [call.kind for call in traced.record.calls]
    assert kinds.count("create") == 2
    created = [call.outputs[0] for call in traced.record.calls if call.kind == "create"]
    assert all(traced.record.is_own(array) and id(root(array)) not in traced.memory for array in created)


def test_memory_that_was_there_is_found(backend: Interpreted) -> None:
    """Views of one allocation are views of one stand-in, at the same offsets and strides."""
    whole = backend.asarray(np.arange(24.0), "float64")
    part = backend.xp.reshape(whole[4:16], (3, 4)).T
    traced = tracing.trace(lambda: part.__imul__(2.0), backend.home)
    (call,) = traced.record.calls
    (array,) = call.outputs
    owner = root(array)
    memory = traced.memory[id(owner)]
    assert set(traced.memory) == {id(owner)} <= set(traced.roots)
    assert (memory.address, memory.size) == (backend.home.address_of(whole.own), 24 * 8)
    assert array.ctypes.data - owner.ctypes.data == 4 * 8
    assert (array.shape, array.strides) == ((4, 3), (8, 32))
    assert not traced.record.made
    interpretation(traced, backend.home)()
    np.testing.assert_array_equal(backend.to_numpy(whole)[3:6], [3.0, 8.0, 10.0])


def test_stand_ins_cannot_share_memory() -> None:
    """Each has addresses of its own, at the place modulo 256 that it is asked for, and none of them is touched."""
    huge = [reserved((1 << 40,), np.uint8, address) for address in (0, 8, 1000)]
    assert [x.ctypes.data % 256 for x in huge] == [0, 8, 1000 % 256]
    assert all(is_alone(root(x[5:])) for x in huge)
    assert not overlap(huge[0][5:], huge[1])
    assert overlap(huge[0][5:], huge[0][:6])
    with pytest.raises(ValueError, match="read-only"):
        huge[0][0] = 1


def test_the_memory_of_a_constant_lives_as_long_as_the_trace(backend: Interpreted) -> None:
    out = backend.asarray(np.zeros(2), "float64")
    traced = tracing.trace(lambda: out.__setitem__(..., backend.asarray([1.0, 2.0], "float64")), backend.home)
    gc.collect()
    owners: list[Any] = [memory.owner for memory in traced.memory.values()]
    assert any(np.array_equal(np.asarray(owner), [1.0, 2.0]) for owner in owners)
