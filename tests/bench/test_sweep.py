"""A sweep on the CPU: several cells a process, contenders that fail, and no time left."""

import math
import os
from pathlib import Path
from time import perf_counter

import pytest

from bpnet_benchmarks import sweep
from bpnet_benchmarks.contenders import CONTENDERS, at
from bpnet_benchmarks.problem import problem
from bpnet_benchmarks.record import LeftOut, load
from bpnet_benchmarks.stages import Stage
from bpnet_benchmarks.whole_runs import compared
from bpnet_benchmarks.workloads import KNOWN

XOR, ROW = ("xor", 4), ("64-16-10", 32)


@pytest.fixture(autouse=True)
def strange(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]), prepend=os.pathsep)
    for name in ("hasty", "absent", "crashing"):
        monkeypatch.setitem(CONTENDERS, name, f"bench.strange:{name.upper()}")


def test_one_process_times_many_cells_and_survives_what_fails(tmp_path):
    parts = (("bpnet-numpy", (XOR, ROW)), ("crashing", (XOR,)), ("absent", (XOR, ROW)), ("hasty", (XOR,)))
    stage = Stage(parts, 0.05)
    record = sweep.empty_record([stage])
    sweep.carry_out(record, stage, perf_counter() + 60)
    record.save(tmp_path / "record.json")
    assert load(tmp_path / "record.json") == record
    cells = {(cell.contender, cell.workload): cell for cell in record.cells}
    assert all(cells["bpnet-numpy", name].counts for name in ("xor", "64-16-10"))
    assert all(each.import_s is None for each in record.cells)  # a process imports once for many cells
    assert cells["crashing", "xor"].thrown_out == "crashed: ZeroDivisionError: the sky fell down"
    assert "wrong: the loss after 20 steps" in cells["hasty", "xor"].thrown_out
    assert record.left_out == [LeftOut("absent", "", "the library of nowhere is not installed")]
    sweep.carry_out(record, Stage((("absent", (XOR,)),), 0.05), perf_counter() + 60)
    assert len(record.left_out) == 1  # it is not asked again


@pytest.mark.parametrize("limit", [0.0, 5.0])
def test_what_no_time_is_left_for_is_told(limit, monkeypatch):
    monkeypatch.setattr(sweep, "MOST", 0.2)  # too short for a process to start
    monkeypatch.setattr(sweep, "LEAST", 0.1)
    stage = Stage((("bpnet-numpy", (XOR, ROW)),), 0.05)
    record = sweep.empty_record([stage])
    sweep.carry_out(record, stage, perf_counter() + limit)
    assert record.cells == []
    assert [each.where for each in record.left_out] == ["xor, batch 4", "64-16-10, batch 32"]
    assert {each.reason for each in record.left_out} == {sweep.NO_TIME}


def test_many_steps_a_call_are_those_of_a_pass_and_bounded():
    assert problem(KNOWN["64-128-10"], 32).steps_together == 4_096 // 32
    assert problem(KNOWN["64-128-10"], 16_384).steps_together == 20


def test_many_steps_a_call_do_the_same_training(monkeypatch):
    """The captured step's `repeat`, which the CPU's backends do not have, is made up."""
    many = at(CONTENDERS["bpnet-cupy-many"])
    monkeypatch.setattr(many, "spec", "numpy")
    with pytest.raises(RuntimeError, match="a captured step of the backend 'numpy' cannot be repeated"):
        many.prepare(problem(KNOWN["64-16-10"], 1_024))

    class Repeated:
        def __init__(self, step):
            self._step = step

        def repeat(self, times):
            for _ in range(times):
                self._step()

    backend = many._load()

    class Numpy(type(backend)):
        def capture(self, step):
            return Repeated(super().capture(step))

    backend.__class__ = Numpy
    monkeypatch.setattr(many, "_load", lambda: backend)
    run, one = many.prepare(problem(KNOWN["64-16-10"], 1_024)), at(CONTENDERS["bpnet-numpy"])
    assert run.steps_per_call == 20
    single = one.prepare(problem(KNOWN["64-16-10"], 1_024))
    for _ in range(14):  # beyond the end of the order, which has 256 steps
        run.step()
    for _ in range(14 * 20):
        single.step()
    for a, b in zip(run.weights(), single.weights(), strict=True):
        assert abs(a - b).max() < 1e-6


def test_a_run_is_held_against_numpy_s():
    reference = {"recipe": "digits", "dtype": "float64", "history": {"loss": [2.0, 1.0], "val_loss": [4.0, 2.0]}}
    near = {**reference, "history": {"loss": [2.0, 1.0], "val_loss": [4.0, 2.0 - 1e-9]}}
    far = {**reference, "history": {"loss": [2.0, 1.0 - 2e-9], "val_loss": [4.0, 2.0]}}
    broken = {**reference, "history": {"loss": [2.0, math.nan], "val_loss": [4.0, 2.0]}}
    assert compared(near, reference)["within"]
    assert compared(far, reference)["error"] == pytest.approx(2e-9)
    assert not compared(far, reference)["within"]
    assert not compared(broken, reference)["within"]
    assert math.isnan(compared(broken, reference)["error"])
    assert compared({**near, "why_not": "no GPU"}, reference)["why_not"] == "no GPU"
