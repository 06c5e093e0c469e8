"""How this process was launched: read from the environment variables that torchrun and MPI's launchers set."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

TORCHRUN = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")

MPI = (
    ("PMI_RANK", "PMI_SIZE", "MPI_LOCALRANKID"),
    ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK"),
    ("PMIX_RANK", "SLURM_NTASKS", "SLURM_LOCALID"),
)
"""Rank, number of ranks, and rank on the machine: of MPICH and Intel MPI, of Open MPI, of PMIx."""


class LaunchError(ValueError):
    """What the launcher has set cannot be used."""


class OtherLibraryError(LaunchError):
    """MPI knows of other processes than its launcher has announced. It is raised on the one rank that tells it."""


@dataclass(frozen=True)
class Launch:
    """This process as one of several."""

    engine: str
    """`torch` or `mpi`."""
    rank: int
    size: int | None
    """How many there are; None where only MPI itself knows."""
    local_rank: int | None = None
    """The number of this process on its machine, where the launcher says it."""
    address: str | None = None
    """HOST:PORT at which the processes of torch.distributed meet."""


def launched(environment: Mapping[str, str] | None = None) -> Launch | None:
    """How this process was launched as one of several; None where it is alone.

    torchrun is known by RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT; MPI by PMI_RANK and PMI_SIZE (MPICH, Intel MPI),
    OMPI_COMM_WORLD_RANK and _SIZE (Open MPI), or PMIX_RANK. LaunchError: one is missing or makes no sense.
    """
    found = os.environ if environment is None else environment
    of_mpi = _by_mpi(found)
    if "RANK" not in found and "WORLD_SIZE" not in found:
        return of_mpi
    if of_mpi is not None and not all(name in found for name in TORCHRUN):
        return of_mpi  # a container's WORLD_SIZE, or the like
    return _by_torchrun(found)


def is_one_of_several() -> bool:
    """Was this process launched with others, or is it not clear?"""
    try:
        return launched() is not None
    except LaunchError:
        return True


def restarts(environment: Mapping[str, str] | None = None) -> int:
    """How often torchrun has started the run anew after a rank had died."""
    text = (os.environ if environment is None else environment).get("TORCHELASTIC_RESTART_COUNT", "0")
    return int(text) if text.isdecimal() else 0


def turn(environment: Mapping[str, str] | None = None) -> int | None:
    """When this process tells what all on its machine have to tell, as a missing package, and nobody can be asked.

    0: at once, as rank 0; 1: later, as the first on another machine; None: never. It is asked for where the variables
    may make no sense, too.
    """
    found = os.environ if environment is None else environment
    names = [("RANK", "LOCAL_RANK"), *((rank, local) for rank, _, local in MPI)]
    for rank, local in names:
        if rank in found:
            if not _is_above_0(found[rank]):
                return 0
            return None if _is_above_0(found.get(local, "0")) else 1
    return None if _is_above_0(found.get("LOCAL_RANK", "0")) else 0


def _is_above_0(text: str) -> bool:
    return text.isdecimal() and int(text) > 0


def _by_torchrun(found: Mapping[str, str]) -> Launch | None:
    size = _number(found, "WORLD_SIZE", at_least=1)
    rank = _number(found, "RANK", at_least=0)
    if rank is None and size == 1:
        return None
    _require(found, TORCHRUN[:2])
    assert rank is not None
    assert size is not None
    if rank >= size:
        raise LaunchError(
            f"RANK: {rank} was given, expected less than WORLD_SIZE, which is {size}. Mend: launch all processes with "
            "one launcher: torchrun --nproc-per-node=N"
        )
    if size == 1:
        return None
    _require(found, TORCHRUN)
    _number(found, "MASTER_PORT", at_least=1)
    local = _number(found, "LOCAL_RANK", at_least=0)
    return Launch("torch", rank, size, local, f"{found['MASTER_ADDR']}:{found['MASTER_PORT']}")


def _by_mpi(found: Mapping[str, str]) -> Launch | None:
    for rank_in, size_in, local_in in MPI:
        if rank_in not in found:
            continue
        rank, size = _number(found, rank_in, at_least=0), _number(found, size_in, at_least=1)
        assert rank is not None
        if size is None and rank_in != "PMIX_RANK":
            _require(found, (rank_in, size_in))
        if size is not None and rank >= size:
            raise LaunchError(
                f"{rank_in}: {rank} was given, expected less than {size_in}, which is {size}. Mend: launch all "
                "processes with one mpiexec"
            )
        return None if size == 1 else Launch("mpi", rank, size, _number(found, local_in, at_least=0))
    return None


def _require(found: Mapping[str, str], names: tuple[str, ...]) -> None:
    missing = [name for name in names if name not in found]
    if missing:
        there = ", ".join(name for name in names if name in found)
        raise LaunchError(
            f"{', '.join(missing)}: not set, but {there} {'is' if len(names) - len(missing) == 1 else 'are'}. Mend: "
            "launch with torchrun or mpiexec, which set all of them, or unset these for a run in one process"
        )


def _number(found: Mapping[str, str], name: str, *, at_least: int) -> int | None:
    """The variable as a number; None where it is not set."""
    text = found.get(name)
    if text is None:
        return None
    if not text.isdecimal() or int(text) < at_least:
        raise LaunchError(
            f"{name}: {text!r} was given, expected a whole number of at least {at_least}. Mend: launch with torchrun "
            "or mpiexec, which set it, or unset it for a run in one process"
        )
    return int(text)
