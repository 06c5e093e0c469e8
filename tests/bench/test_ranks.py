"""What the benchmarks of several processes are made of: slices, reasons, distances, the tables of GPUs."""

import os
import signal
import sys

import numpy as np
import pytest

from bpnet_benchmarks.ranks import gpus, scaling
from bpnet_benchmarks.ranks.cost import Link, ring
from bpnet_benchmarks.ranks.kills import distance, reason
from bpnet_benchmarks.ranks.launch import launcher
from bpnet_benchmarks.ranks.runs import Run, newest
from bpnet_benchmarks.ranks.steps import parameters

LINK = Link(0.0, 1e-8)


def test_parameters_of_a_chain():
    assert parameters("64-128-10") == 64 * 128 + 128 + 128 * 10 + 10


def test_without_slices_all_is_exposed_and_with_them_what_comes_last():
    size = 4 * parameters("64-128-10")
    assert scaling.hidden(LINK, 2, "64-128-10", 1.0) == pytest.approx(ring(LINK, 2, size))
    net = "784-1024-1024-10"  # of 4 MB and 3.2: the last two layers are sent beside the first one
    last = 4 * (784 * 1024 + 1024 + 1024 + 10)
    assert scaling.hidden(LINK, 2, net, 10.0) == pytest.approx(ring(LINK, 2, last))
    assert scaling.hidden(LINK, 2, net, 0.0) == pytest.approx(ring(LINK, 2, 4 * parameters(net)))


def test_a_prediction_is_side_by_side_and_a_ring():
    row = {"net": "64-128-10", "ranks": 2, "parameters": 1000, "apart": 1.0}
    found = scaling.judged(row, LINK, Link(0.5, 0.0))
    assert found["predicted"] == pytest.approx(1 + 4000e-8)
    assert found["predicted_nominal"] == 2


def test_how_ranks_are_launched():
    assert launcher("", 1)[1:] == ["-m"]
    assert launcher("mpi", 4)[1:3] == ["-n", "4"]
    assert "--nproc-per-node=2" in launcher("gloo", 2)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "ChildFailedError: \n  traceback : Signal 9 (SIGKILL) received by PID 7\n",
            "Signal 9 (SIGKILL) received by PID 7",
        ),
        ("a warning\nError: rank 1 was lost\nSignal 9 (SIGKILL) received by PID 7\n", "rank 1 was lost"),
        ("=   EXIT CODE: 9\n", "EXIT CODE: 9"),
        ("nothing of the kind\n", ""),
    ],
)
def test_the_reason_of_an_end(tmp_path, text, expected):
    (tmp_path / "run.log").write_text(text)
    assert reason(Run(0, tmp_path / "run", 1)) == expected


def test_a_distance_is_relative_and_integers_must_be_equal():
    def outcome(theta, keys=1):
        return ({"theta": np.array(theta), "keys": np.array([keys])},)

    assert distance(outcome([3.0, 4.0]), outcome([3.0, 4.0])) == 0
    assert distance(outcome([3.0, 4.5]), outcome([3.0, 4.0])) == pytest.approx(0.1)
    assert distance(outcome([3.0, 4.0], 2), outcome([3.0, 4.0], 1)) == float("inf")


def test_a_run_is_seen_from_outside(tmp_path):
    """One process that is a rank: it is found, killed, and its end is known."""
    out = tmp_path / "run"
    seen = tmp_path / "run.ranks"
    seen.mkdir()
    child = os.posix_spawn(sys.executable, [sys.executable, "-c", "import time; time.sleep(30)"], os.environ)
    (seen / "1").write_text(str(child))
    run = Run(child, out)
    assert (run.rank(1), run.rank(0), newest(out)) == (child, None, 0)
    assert run.wait(0.01) is None
    assert run.end() == [1]
    assert (run.code, run.rank(1)) == (-signal.SIGKILL, None)


def test_more_samples_scale_further_and_one_machine_further_than_many():
    own = gpus.work(gpus.NETS["784-1024-1024-10"])
    assert own.size == 4 * 1_863_690
    for batch, larger in zip(gpus.BATCHES, gpus.BATCHES[1:], strict=False):
        less, more = (gpus.efficiency(own, gpus.NVLINK, 64, each, gpus.over_gpus) for each in (batch, larger))
        assert 0 < less < more < 1
