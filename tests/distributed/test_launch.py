"""How a process was launched, from the variables alone."""

import subprocess
import sys

import pytest

from bpnet.distributed import communicator
from bpnet.distributed.launch import Launch, LaunchError, is_one_of_several, launched, restarts, turn
from bpnet.distributed.patience import timeout

TORCHRUN = {"RANK": "1", "WORLD_SIZE": "4", "LOCAL_RANK": "1", "MASTER_ADDR": "there", "MASTER_PORT": "29500"}


def without(*names, **changed):
    return {name: value for name, value in (TORCHRUN | changed).items() if name not in names}


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, None),
        (TORCHRUN, Launch("torch", 1, 4, 1, "there:29500")),
        (without("LOCAL_RANK"), Launch("torch", 1, 4, None, "there:29500")),
        ({"RANK": "0", "WORLD_SIZE": "1"}, None),
        ({"WORLD_SIZE": "1"}, None),
        ({"MASTER_ADDR": "there"}, None),
        ({"PMI_RANK": "1", "PMI_SIZE": "2", "MPI_LOCALRANKID": "0"}, Launch("mpi", 1, 2, 0)),
        ({"PMI_RANK": "0", "PMI_SIZE": "1"}, None),
        ({"OMPI_COMM_WORLD_RANK": "3", "OMPI_COMM_WORLD_SIZE": "8", "PMIX_RANK": "3"}, Launch("mpi", 3, 8)),
        ({"PMIX_RANK": "3"}, Launch("mpi", 3, None)),
        ({"PMIX_RANK": "3", "SLURM_NTASKS": "4", "SLURM_LOCALID": "1"}, Launch("mpi", 3, 4, 1)),
        (TORCHRUN | {"PMI_RANK": "0", "PMI_SIZE": "2"}, Launch("torch", 1, 4, 1, "there:29500")),
        ({"PMI_RANK": "1", "PMI_SIZE": "2", "WORLD_SIZE": "5"}, Launch("mpi", 1, 2)),
    ],
)
def test_the_launcher_is_known_by_its_variables(environment, expected):
    assert launched(environment) == expected


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        (without("WORLD_SIZE"), "WORLD_SIZE: not set, but RANK is"),
        (without("RANK"), "RANK: not set, but WORLD_SIZE is"),
        (without("MASTER_ADDR", "MASTER_PORT"), "MASTER_ADDR, MASTER_PORT: not set, but RANK, WORLD_SIZE are"),
        (without(WORLD_SIZE="0"), "WORLD_SIZE: '0' was given, expected a whole number of at least 1"),
        (without(WORLD_SIZE="two"), "WORLD_SIZE: 'two'"),
        (without(RANK="-1"), "RANK: '-1'"),
        (without(RANK="4"), "RANK: 4 was given, expected less than WORLD_SIZE, which is 4"),
        (without(MASTER_PORT="http"), "MASTER_PORT: 'http'"),
        ({"PMI_RANK": "0"}, "PMI_SIZE: not set, but PMI_RANK is"),
        ({"PMI_RANK": "2", "PMI_SIZE": "2"}, "PMI_RANK: 2 was given, expected less than PMI_SIZE"),
    ],
)
def test_variables_that_make_no_sense_are_named(environment, named):
    with pytest.raises(LaunchError, match="Mend: ") as caught:
        launched(environment)
    assert str(caught.value).startswith(named)


@pytest.mark.parametrize(
    ("environment", "when"),
    [
        ({}, 0),
        ({"RANK": "0", "LOCAL_RANK": "0"}, 0),
        ({"RANK": "1", "LOCAL_RANK": "1"}, None),
        ({"RANK": "8", "LOCAL_RANK": "0"}, 1),
        ({"RANK": "x"}, 0),
        ({"WORLD_SIZE": "2", "LOCAL_RANK": "1"}, None),
        ({"PMI_RANK": "1", "MPI_LOCALRANKID": "1"}, None),
    ],
)
def test_what_all_have_to_tell_is_told_once_on_a_machine(environment, when):
    assert turn(environment) == when


def test_restarts_are_counted():
    assert [restarts({}), restarts({"TORCHELASTIC_RESTART_COUNT": "2"})] == [0, 2]


def test_a_process_that_is_alone_has_no_communicator(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "1")
    assert communicator("auto") is None
    assert communicator(None) is None
    assert not is_one_of_several()
    for other in ("horovod", True, 3):
        with pytest.raises(ValueError, match="distributed: ") as caught:
            communicator(other)
        assert str(caught.value) == (
            f"distributed: {other!r} was given, expected 'auto', None or an object with the members of Communicator. "
            "Mend: distributed='auto'"
        )


def test_one_process_imports_no_engine():
    code = (
        "import os; os.environ |= {'WORLD_SIZE': '1', 'RANK': '0', 'PMI_RANK': '0', 'PMI_SIZE': '1'}\n"
        "import sys; from bpnet.distributed import communicator; assert communicator() is None\n"
        "print([name for name in ('torch', 'mpi4py') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("text", ["-1", "0", "soon", "inf", "nan"])
def test_a_time_out_is_a_number_of_seconds(monkeypatch, text):
    monkeypatch.setenv("BPNET_TIMEOUT", text)
    with pytest.raises(ValueError, match=f"BPNET_TIMEOUT: '{text}' was given"):
        timeout()


def test_the_time_out_is_read_when_it_is_needed(monkeypatch):
    monkeypatch.delenv("BPNET_TIMEOUT", raising=False)
    assert timeout() == 300
    monkeypatch.setenv("BPNET_TIMEOUT", "2.5")
    assert timeout() == 2.5
