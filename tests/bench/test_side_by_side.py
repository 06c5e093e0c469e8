"""Small real runs: each measurement is a process of its own."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from bpnet.cli import main
from bpnet_benchmarks import floor, side_by_side
from bpnet_benchmarks.contenders import CONTENDERS
from bpnet_benchmarks.disturbance import Disturbance
from bpnet_benchmarks.floor import Floor
from bpnet_benchmarks.job import Job
from bpnet_benchmarks.processes import ChildFailedError, run_job, run_json
from bpnet_benchmarks.record import load
from bpnet_benchmarks.workloads import WORKLOADS


@pytest.fixture(autouse=True)
def strange(monkeypatch):
    """The strange contenders are known here and in the processes; the floor is not measured."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
    for name in ("hasty", "absent", "crashing"):
        monkeypatch.setitem(CONTENDERS, name, f"bench.strange:{name.upper()}")
    monkeypatch.setattr(side_by_side, "measured", lambda device, threads: Floor(1e11, [(2**20, 1e10)]))


def bench(*arguments, contenders=(), out):
    named = [word for name in contenders for word in ("--contender", name)]
    short = ["--seconds", "0.05", "--rounds", "1", "--threads", "1", "--no-plot", "--out", str(out)]
    return CliRunner().invoke(main, ["bench", "--workload", "xor", *named, *short, *arguments])


def test_two_libraries_and_three_strange_ones(tmp_path):
    contenders = ["bpnet-numpy", "hasty", "absent", "crashing", "torch"]
    result = bench(contenders=contenders, out=tmp_path)
    assert result.exit_code == 0, result.output
    (path,) = tmp_path.glob("*.json")
    record = load(path)
    cells = {cell.contender: cell for cell in record.cells}
    assert {name for name, cell in cells.items() if cell.counts} == {"bpnet-numpy", "torch"}
    for name in ("bpnet-numpy", "torch"):
        assert cells[name].loss == pytest.approx(cells[name].reference, rel=1e-3)
        assert cells[name].peak_memory_mib > 10
        assert all(pool.endswith(" 1") for pool in cells[name].pools)
    assert "wrong: the loss after 20 steps is" in cells["hasty"].thrown_out
    assert "ZeroDivisionError: the sky fell down" in cells["crashing"].thrown_out
    assert {"bpnet", "numpy", "torch", "python"} <= set(record.versions)
    for line in (
        "absent: the library of nowhere is not installed",
        "hasty (xor, batch 4, step): wrong: the loss",
        "crashing (xor, batch 4, step): crashed: it ended with code 1",
        "one training step: time over that of bpnet-numpy. CPU, 1 thread",
    ):
        assert line in result.output


def test_fit_predict_and_start(tmp_path):
    modes = ["--mode", "fit", "--mode", "predict", "--mode", "start", "--batch", "512"]
    result = bench(*modes, contenders=["bpnet-numpy"], out=tmp_path)
    assert result.exit_code == 0, result.output
    (path,) = tmp_path.glob("*.json")
    cells = {cell.mode: cell for cell in load(path).cells}
    assert all(cell.counts for cell in cells.values())
    assert cells["fit"].terminal
    assert cells["fit"].steps_s > 0
    assert cells["start"].median > cells["start"].import_s > 0.05
    assert "fit over its own steps" in result.output


def test_a_process_that_hangs_is_reported():
    with pytest.raises(ChildFailedError, match="did not end within 0 s"):
        run_json(["sleep", "5"], 1, 0.2)


def test_what_a_library_prints_does_not_reach_the_result(tmp_path, monkeypatch):
    (tmp_path / "loud.py").write_text(
        "from bpnet_benchmarks.contenders.on_bpnet import Bpnet\n"
        "class Loud(Bpnet):\n"
        "    def prepare(self, problem):\n"
        "        print('look at me')\n"
        "        return super().prepare(problem)\n"
        "LOUD = Loud('loud', 'numpy')\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    figures = run_job(Job("loud", "loud:LOUD", WORKLOADS["xor"], 4, "start", 0.01, 1))
    assert figures["seconds"][0] > 0


def test_the_floor_is_measured(monkeypatch):
    monkeypatch.setattr(floor, "SECONDS", 0.01)
    monkeypatch.setattr(floor, "SIDES", {"cpu": (64, 128)})
    monkeypatch.setattr(floor, "COPIES", (2**16, 2**18))
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    found = floor.measure("cpu")
    assert found.flops > 1e8
    assert [size for size, rate in found.copies if rate > 1e7] == [2**16, 2**18]


def test_the_floor_takes_the_larger_bound_and_the_bandwidth_of_large_enough_copies():
    workload = WORKLOADS["64-128-10"]
    moved = workload.bytes(32)
    copies = [(moved // 5, 1e12), (moved, 1e10), (4 * moved, 2e9)]
    assert Floor(1e18, copies).seconds(workload, 32) == moved / 1e10
    assert Floor(1e3, copies).seconds(workload, 32) == workload.flop(32) / 1e3


def test_the_file_is_json_a_line_a_cell(tmp_path):
    assert bench(contenders=["bpnet-numpy"], out=tmp_path).exit_code == 0
    (path,) = tmp_path.glob("*.json")
    assert json.loads(path.read_text())["cells"][0]["contender"] == "bpnet-numpy"
    assert sum('"mode"' in line for line in path.read_text().splitlines()) == 1


def test_the_work_of_others_is_told_from_ones_own():
    def others(command):
        disturbance = Disturbance()
        subprocess.run(command, check=True)
        return disturbance.cores()

    spin = [sys.executable, "-c", "import time\nwhile time.process_time() < 0.5: pass"]
    own = others(spin)
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as other:
        disturbed = others(spin)
        other.kill()
    if own is None:
        assert disturbed is None  # not Linux
    else:
        assert disturbed > 0.25
