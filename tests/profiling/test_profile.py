"""A profile: what is timed, what it is compared with, and that nothing of the model remains changed."""

import json

import numpy as np
import pytest

from bpnet import Averaged, BatchNormalization, Dense, Dropout, Input, Sequential
from bpnet.backend import Backend, make
from bpnet.peak import Peak, measure
from bpnet.profiling import Line, Profile, profile
from bpnet.profiling.table import table
from bpnet.profiling.trace import trace

PEAK = Peak(1e9, [(2**16, 4e9), (2**20, 1e9)])


def compiled(backend, optimizer="adam"):
    layers = [Dense(16, "relu", kernel_regularizer="l2"), BatchNormalization(), Dropout(0.2), Dense(3, "softmax")]
    model = Sequential([Input((8,)), *layers], backend=backend, dtype="float32", seed=1)
    model.compile(optimizer, "sparse_categorical_crossentropy", ["accuracy"])
    rng = np.random.default_rng(2)
    return model, rng.normal(size=(60, 8)), rng.integers(0, 3, 60)


def test_the_model_is_left_as_it_was_on_every_backend(backend: Backend):
    """Weights, statistics, random streams, moments: training goes on as if nothing had been."""
    runs = []
    for profiled in (False, True):
        model, x, y = compiled(backend, Averaged("adam", 0.9))
        model.fit(x, y, epochs=1, verbose=0)
        before = model.get_weights()
        if profiled:
            found = profile(model, x, y, 16, PEAK, repeats=1)
            assert all(line.seconds > 0 for line in found.lines)
            assert found.step_seconds > 0
            assert not found.of_layers or backend.name not in ("numpy", "numba")
            for old, new in zip(before, model.get_weights(), strict=True):
                np.testing.assert_array_equal(old, new)
        losses = model.fit(x, y, epochs=2, verbose=0).history["loss"]
        runs.append([*model.get_weights(), losses])
    for old, new in zip(*runs, strict=True):
        np.testing.assert_array_equal(old, new)


def test_a_batch_may_be_larger_than_the_data():
    model, x, y = compiled("numpy")
    found = profile(model, x, y, 1000, PEAK, repeats=1)
    assert max(line.shape[0] for line in found.lines if line.shape) == 1000


def test_lbfgs_makes_no_steps():
    pytest.importorskip("scipy")
    model = Sequential([Input((8,)), Dense(1)], backend="numpy")
    model.compile("lbfgs", "mse")
    with pytest.raises(ValueError, match="LBFGS makes no training steps"):
        profile(model, np.zeros((9, 8)), np.zeros(9), 3, PEAK)


LINES = [Line("matmul K=3", (4, 5), 4e-6, 2**16, 1000), Line("add, an operation of a long name " * 3, (), 1e-6, 4, 1)]


def found():
    return Profile(LINES, False, 4e-6, 32, PEAK)


def test_shares_are_of_the_sum_and_of_the_roofline():
    """2¹⁶ bytes at 4 GB/s take longer than 1000 operations at 1 GFLOP/s; 1 operation longer than 4 bytes at 4 GB/s."""
    shares = [found().share_of_step(line) for line in LINES]
    assert shares == pytest.approx([0.8, 0.2])
    assert found().share_of_peak(LINES[0]) == pytest.approx(2**16 / 4e9 / 4e-6)
    assert found().share_of_peak(LINES[1]) == pytest.approx(1e-9 / 1e-6)
    assert PEAK.bandwidth(2**16 + 1) == PEAK.bandwidth(2**30) == 1e9


def test_the_table_has_a_line_a_part_a_sum_and_the_whole_step():
    lines = table(found()).splitlines()
    assert lines[0].split() == ["op", "shape", "µs", "share", "bytes", "FLOP", "of", "peak"]
    assert lines[2].split() == ["matmul", "K=3", "4×5", "4.00", "80.0%", "65,536", "1,000", "410%"]
    assert "… " in lines[3]
    assert lines[3].split()[-6:] == ["1", "1.00", "20.0%", "4", "1", "0%"]
    assert lines[5].split()[-5:] == ["5.00", "100.0%", "65,540", "1,001", "328%"]
    text = " ".join(lines[7:])
    assert "A whole step, as training makes it: 4.00 µs, 8,000,000 samples/s" in text
    assert "the sum of the parts is not its time" in text
    assert "layers" not in text
    assert max(map(len, lines)) <= 120
    assert "they are layers here" in " ".join(table(Profile(LINES, True, 4e-6, 32, PEAK)).split())


def test_the_trace_has_a_complete_event_a_part_each_after_the_other():
    written = json.loads(trace(found(), "digits"))
    events = [event for event in written["traceEvents"] if event["ph"] == "X"]
    assert [(event["name"], event["dur"]) for event in events] == [(line.op, line.seconds * 1e6) for line in LINES]
    assert [event["ts"] for event in events] == pytest.approx([0.0, 4.0])
    assert events[0]["args"]["shape"] == [4, 5]
    assert (events[0]["args"]["bytes"], events[0]["args"]["flop"]) == (2**16, 1000)
    assert all({"pid", "tid", "cat"} <= set(event) for event in events)
    assert written["otherData"]["whole_step_us"] == pytest.approx(4.0)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_peak_is_measured_on_any_backend(dtype):
    for spec in ("numpy", "torch:cpu"):
        peak = measure(make(spec), (32, 64), (2**12, 2**14), seconds=0.005, threads=2, dtype=dtype)
        assert peak.flops > 1e6
        assert [size for size, rate in peak.copies if rate > 1e5] == [2**12, 2**14]
