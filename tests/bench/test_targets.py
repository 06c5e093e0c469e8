"""Targets judged from files that were made up."""

import json
import subprocess
import sys

import pytest

from bpnet_benchmarks import ensembles
from bpnet_benchmarks.microbenchmarks import KIND
from bpnet_benchmarks.record import Cell, LeftOut, Record
from bpnet_benchmarks.stages import LARGE, MIDDLE, SMALL, STAGES
from bpnet_benchmarks.targets import TARGETS, read
from bpnet_benchmarks.verdicts import MISS, PASS
from bpnet_benchmarks.workloads import KNOWN

TIMES = {
    ("bpnet-cupy", SMALL): 10e-6,
    ("bpnet-torch-cuda", SMALL): 10.4e-6,
    ("torch-cuda", SMALL): 151e-6,
    ("torch-graph", SMALL): 12.9e-6,
    ("bpnet-cupy-many-tf32", MIDDLE): 25e-6,
    ("bpnet-cupy-tf32", MIDDLE): 25.1e-6,
    ("bpnet-cupy", LARGE): 12e-3,
    ("bpnet-torch-cuda", LARGE): 12.7e-3,
    ("torch-graph", LARGE): 12.5e-3,
    ("torch-cuda", LARGE): 11.9e-3,
}


@pytest.fixture
def folder(tmp_path):
    """A record and microbenchmarks, and two files of something else."""
    cells = [
        Cell("step", *where, name, True, [[0.9 * seconds, seconds, 1.1 * seconds]])
        for (name, where), seconds in TIMES.items()
    ]
    cells.append(Cell("step", *SMALL, "torch-compiled-cuda", True, thrown_out="crashed: trace\nnvcc is not here"))
    cells.append(Cell("fit", *SMALL, "jax-scan-cuda", True, [[1e-9]]))
    left_out = [LeftOut("jax-scan-cuda", "", "JAX is elsewhere"), LeftOut("bpnet-cupy-many", "cnn, batch 32", "no")]
    workloads = {name: KNOWN[name] for name in ("64-128-10", "784-256-128-10", "4096x4")}
    Record("2024-05-01", None, {}, 1, 1, 1.0, workloads, left_out=left_out, cells=cells).save(tmp_path / "steps.json")
    flop = KNOWN["4096x4"].flop(2_048)
    products = [
        {"precision": "float32", "side": side, "flops": rate * flop / 12e-3}
        for side, rate in ((4_096, 1.0), (8_192, 1 / 0.851))
    ]
    (tmp_path / "micro.json").write_text(json.dumps({"kind": KIND, "torch": {"products": products}}))
    rows = [
        {
            "backend": "cupy",
            "net": SMALL[0],
            "batch": SMALL[1],
            "models": models,
            "at_once": at_once,
            "us_a_net_step": us,
        }
        for models, at_once, us in ((1000, 1000, 0.099), (8, 8, 2.0), (1000, 0, 20.0))
    ]
    (tmp_path / "ensembles.json").write_text(json.dumps({"kind": ensembles.KIND, "rows": rows}))
    (tmp_path / "list.json").write_text("[1]")
    (tmp_path / "broken.json").write_text("{")
    return tmp_path


def outcomes(folder):
    figures = read(folder)
    return {each.case: each for each in (target.verdict(figures) for target in TARGETS)}


@pytest.mark.parametrize(
    ("case", "measured", "outcome"),
    [
        ("bpnet-cupy, eager PyTorch: 64-128-10, batch 32", "15.10× (10 µs, torch-cuda 151 µs)", PASS),
        ("bpnet-torch-cuda, eager PyTorch: 64-128-10, batch 32", "14.52× (10.4 µs, torch-cuda 151 µs)", MISS),
        ("bpnet-cupy, PyTorch in a CUDA graph: 64-128-10, batch 32", "1.29× (10 µs, torch-graph 12.9 µs)", MISS),
        ("bpnet-cupy-many-tf32, many steps a call: 784-256-128-10, batch 256", "25 µs", PASS),
        ("bpnet-cupy-tf32, a step a call: 784-256-128-10, batch 256", "25.1 µs", MISS),
        ("bpnet-cupy, PyTorch in float32: 4096x4, batch 2048", "0.99× (12 ms, torch-cuda 11.9 ms)", MISS),
        ("bpnet-cupy, PyTorch in a CUDA graph: cnn, batch 32", "-", "not measured (bpnet-cupy: no file has it)"),
        ("bpnet-cupy, torch.compile: 64-128-10, batch 32", "-", "not measured (torch-compiled-cuda: nvcc is not here)"),
        ("bpnet-torch-cuda-many, JAX's scan: 64-128-10, batch 32", "-",
         "not measured (bpnet-torch-cuda-many: no file has it)"),
        ("1,000 nets at once, cupy: 64-128-10, batch 32", "1.01e+07 net-steps/s", PASS),
        ("1,000 nets at once, torch: 64-128-10, batch 32", "-", "not measured (no file has it)"),
        ("bpnet-cupy-tf32, the arithmetic: 4096x4, batch 2048", "-",
         "not measured (bpnet-cupy-tf32: no file has it)"),
    ],
)  # fmt: skip
def test_ratios_and_times(folder, case, measured, outcome):
    found = outcomes(folder)[case]
    assert (found.measured, found.outcome) == (measured, outcome)


def test_the_share_of_the_ceiling(folder):
    found = outcomes(folder)
    assert found["bpnet-cupy, the arithmetic: 4096x4, batch 2048"].outcome == PASS  # 85.1%
    other = found["bpnet-torch-cuda, the arithmetic: 4096x4, batch 2048"]
    assert (other.outcome, other.measured[:3]) == (MISS, "80%")


def test_the_backends_are_compared_wherever_both_were_measured(folder):
    found = outcomes(folder)["bpnet-cupy, bpnet-torch-cuda: 64-128-10, batch 32"]
    assert (found.measured, found.outcome) == ("0.94× at 4096x4, batch 2048; 1 of 2 beyond", MISS)


def test_every_target_is_among_the_stages():
    """Nothing is left unmeasured for want of being asked for."""
    timed = {(name, (workload, batch)) for stage in STAGES for name, workload, batch in stage.cells()}
    for target in TARGETS:
        names = [getattr(target, "subject", None), getattr(target, "one", None), getattr(target, "other", None)]
        for name in (*filter(None, names), *getattr(target, "rivals", ())):
            assert (name, target.where) in timed


def test_the_command_counts_and_misses_are_results(folder, tmp_path_factory):
    command = [sys.executable, "-m", "bpnet_benchmarks.targets"]
    done = subprocess.run([*command, str(folder), "--markdown"], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "- 4 passed, 8 missed, 21 not measured" in done.stdout
    assert "| bpnet-cupy, eager PyTorch: 64-128-10, batch 32 | 15.10×" in done.stdout
    assert done.stderr.count("cannot be read") == 2
    nothing = subprocess.run(
        [*command, str(tmp_path_factory.mktemp("empty"))], capture_output=True, text=True, check=False
    )
    assert nothing.returncode == 1
    assert "expected a folder with the JSON files" in nothing.stderr
