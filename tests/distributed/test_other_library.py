"""mpiexec of one MPI library, mpi4py of another: each process takes itself for the only one."""

import os
import subprocess
import sys
from importlib.util import find_spec
from types import SimpleNamespace

import pytest

from bpnet.distributed import agreement, choosing, communicator
from bpnet.distributed.launch import MPI
from bpnet.training.communicator import ToldElsewhere

MPICH = ("PMI_RANK", "PMI_SIZE")
OPEN_MPI = ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE")
TOLD = (
    "distributed: mpiexec has launched {} processes, but mpi4py sees {}: they belong to different MPI libraries. Mend: "
    "the mpiexec of the library that mpi4py was built for (python -m mpi4py --mpi-lib-version), or pip install mpi4py "
    "for yours"
)


class World:
    """As much of a communicator of MPI as a start needs."""

    def __init__(self, rank, size):
        self.Get_rank, self.Get_size = lambda: rank, lambda: size
        self.Dup, self.Free = lambda: self, lambda: None

    def iprobe(self, status):
        return False


@pytest.fixture
def asked(monkeypatch):
    """asked(variables, seen, rank): what `communicator` says where mpi4py sees `seen` processes."""
    for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK", *(name for names in MPI for name in names)):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(agreement, "GRACE", 0.0)
    monkeypatch.setattr(choosing, "_joined", [])
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)

    def asked(variables, seen, rank=0):
        for name, value in variables.items():
            monkeypatch.setenv(name, str(value))
        mpi = SimpleNamespace(COMM_WORLD=World(rank, seen), Status=lambda: None)
        monkeypatch.setitem(sys.modules, "mpi4py", SimpleNamespace(MPI=mpi))
        return communicator("auto")

    yield asked
    choosing.leave()


@pytest.mark.parametrize("names", [MPICH, OPEN_MPI])
@pytest.mark.parametrize(("announced", "seen"), [(2, 1), (4, 2), (2, 4)])
def test_rank_0_tells_that_mpi4py_sees_other_processes(asked, names, announced, seen):
    with pytest.raises(ValueError, match="distributed: ") as caught:
        asked(dict(zip(names, (0, announced), strict=True)), seen)
    assert str(caught.value) == TOLD.format(announced, seen)


@pytest.mark.parametrize("names", [MPICH, OPEN_MPI])
def test_the_other_ranks_end_silently(asked, names):
    with pytest.raises(ToldElsewhere) as caught:
        asked(dict(zip(names, (1, 2), strict=True)), 1)
    assert caught.value.code == 2


def test_where_no_size_is_announced_rank_1_tells_it_for_rank_0_may_be_alone(asked):
    assert asked({"PMIX_RANK": 0}, 1) is None
    choosing.leave()
    with pytest.raises(ToldElsewhere):
        asked({"PMIX_RANK": 2}, 1)
    with pytest.raises(ValueError, match="has launched several processes, but mpi4py sees 1: they belong to"):
        asked({"PMIX_RANK": 1, "SLURM_LOCALID": 1}, 1)


@pytest.mark.parametrize("variables", [{"PMIX_RANK": 1}, {"PMI_RANK": 1, "PMI_SIZE": 3}])
def test_as_many_as_announced_are_taken(asked, variables):
    assert asked(variables, 3, rank=1).size == 3


@pytest.mark.skipif(find_spec("mpi4py") is None, reason="mpi4py is not installed")
@pytest.mark.parametrize("rank", [0, 1])
def test_the_command_says_it_once_and_trains_nothing(tmp_path, rank):
    """The variables of Open MPI's mpiexec, and an mpi4py that does not read them, or that sees nobody."""
    variables = dict(zip(OPEN_MPI, (str(rank), "2"), strict=True)) | {"BPNET_TIMEOUT": "60"}
    command = [sys.executable, "-m", "bpnet", "train", "digits", "--backend", "numpy", "--no-plot", "--quiet"]
    done = subprocess.run(
        command, env=os.environ | variables, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120
    )
    assert (done.returncode, done.stdout) == (2, "")
    _, _, told = done.stderr.partition("Error: ")  # mpi4py may have warned before
    assert told == ("" if rank else f"{TOLD.format(2, 1)}\n")
    assert not list(tmp_path.iterdir())
