"""Processes over each engine, really launched: gloo's as torchrun would, with its variables, and once by it."""

import os
import shutil
import socket
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

JOB = str(Path(__file__).with_name("job.py"))
MPIEXEC = shutil.which("mpiexec", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
ENGINES = [
    pytest.param(name, marks=pytest.mark.skipif(find_spec(module) is None, reason=f"{module} is not installed"))
    for name, module in (("gloo", "torch"), ("mpi", "mpi4py"))
]


def variables(seconds):
    return os.environ | {"BPNET_TIMEOUT": str(seconds), "OMP_NUM_THREADS": "1", "BPNET_THREADS": "1"}


def launch(engine, name, seconds=60, ranks=2):
    """The exit codes, and what was written to standard output and to standard error."""
    if engine == "mpi":
        assert MPIEXEC is not None, "mpi4py is installed, but there is no mpiexec. Mend: pip install mpich"
        commands = [([MPIEXEC, "-n", str(ranks), sys.executable, JOB, name], {})]
    else:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = str(free.getsockname()[1])
        there = {"WORLD_SIZE": str(ranks), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
        own = [{"RANK": str(rank), "LOCAL_RANK": str(rank)} for rank in range(ranks)]
        commands = [([sys.executable, JOB, name], there | each) for each in own]
    running = [
        subprocess.Popen(
            command, env=variables(seconds) | more, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8"
        )
        for command, more in commands
    ]
    try:
        wait_for = running if name != "hang" or engine == "mpi" else running[:1]
        said = [each.communicate(timeout=120) for each in wait_for]
    finally:
        for each in running:
            each.kill()
            each.communicate()
    return [each.returncode for each in wait_for], "".join(out for out, _ in said), "".join(err for _, err in said)


@pytest.mark.parametrize("engine", ENGINES)
def test_operations_and_what_the_ranks_do_not_agree_on_is_told_once(engine):
    codes, out, err = launch(engine, "disagreement")
    assert set(codes) & {1, 2}
    expected = "rank 0 of 2 “ä”, " + "rank 1 of 2 “ä”" * 2
    # mpiexec joins what the ranks print, and may put one's end of line after the other's line
    assert out.replace("\n", "") == f"{engine}: {expected}" * 2, err
    assert err.count("the ranks do not agree: seed: 0 on rank 0, 1 on rank 1. Mend: ") == 1, err


@pytest.mark.parametrize("engine", ENGINES)
def test_a_rank_that_never_comes_ends_the_run_with_its_number(engine):
    codes, _, err = launch(engine, "hang", seconds=2)
    assert 0 not in codes
    expected = "no word of rank 1" if engine == "gloo" else "rank 1 has not come to it"
    assert err.count(expected) == 1, err
    assert "BPNET_TIMEOUT=2" in err


@pytest.mark.parametrize("engine", ENGINES)
def test_a_rank_that_is_killed_ends_the_run_long_before_the_time_out(engine):
    codes, _, err = launch(engine, "killed", seconds=1000)
    assert 0 not in codes, err
    if engine == "gloo":
        assert "LostPeerError: all_reduce: rank 0 of 2 has lost another rank" in err
        assert "no word of rank 1" in err


@pytest.mark.skipif(find_spec("mpi4py") is None, reason="mpi4py is not installed")
def test_an_error_of_one_rank_ends_the_others_under_mpi():
    codes, _, err = launch("mpi", "error", seconds=1000)
    assert codes != [0]
    assert err.count("KeyError: 'the reason'") == 1, err


@pytest.mark.skipif(find_spec("mpi4py") is None, reason="mpi4py is not installed")
def test_a_rank_that_ends_before_mpi_has_started_ends_the_others_at_the_time_out():
    codes, _, err = launch("mpi", "absent", seconds=1)
    assert codes != [0]
    assert err.count("KeyError: 'before it has asked for the others'") == 1, err
    assert err.count("Error: MPI's start: rank 0 of 2 has waited for the other ranks for 1 s (BPNET_TIMEOUT)") == 1, err


@pytest.mark.skipif(find_spec("torch") is None, reason="torch is not installed")
def test_under_torchrun_a_process_group_of_the_programs_own_is_used_and_left():
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", JOB, "own_group"]
    done = subprocess.run(command, env=variables(60), capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.replace("\n", "") == "[2.0, 2.0, 2.0]" * 2  # one's end of line may come after the other's line
