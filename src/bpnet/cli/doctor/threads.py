"""NumPy's BLAS, and how many threads compute."""

from __future__ import annotations

import os
from dataclasses import dataclass

import numpy as np

from bpnet.cli.doctor.library import Known, Library

VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)


@dataclass(frozen=True)
class Pool:
    """A library in this process that has threads of its own."""

    library: str
    version: str | None
    threads: int
    file: str


@dataclass(frozen=True)
class Threads:
    """Who computes with how many threads."""

    cpus: int | None
    usable_cpus: int | None
    """Those that this process may run on; None where the system does not tell."""
    numpy_blas: Known
    """The BLAS that NumPy was built with."""
    pools: list[Pool]
    pools_missing: str | None
    """Why `pools` could not be read."""
    torch: Known
    environment: dict[str, str]
    """The variables that bound the number of threads, where set."""


def threads(torch: Library, threadpoolctl: Library) -> Threads:
    """The threads of this process, after NumPy and PyTorch were imported."""
    pools, missing = _pools(threadpoolctl)
    return Threads(
        cpus=os.cpu_count(),
        usable_cpus=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None,
        numpy_blas=numpy_blas(),
        pools=pools,
        pools_missing=missing,
        torch=Known(None, torch.missing) if torch.module is None else Known(str(torch.module.get_num_threads())),
        environment={name: os.environ[name] for name in VARIABLES if name in os.environ},
    )


def numpy_blas() -> Known:
    """Name and version of the BLAS in NumPy's build configuration."""
    configuration = np.show_config(mode="dicts") or {}
    blas = configuration.get("Build Dependencies", {}).get("blas", {})
    if not blas.get("name"):
        return Known(None, "NumPy's build configuration names none")
    return Known(f"{blas['name']} {blas.get('version', '')}".strip())


def _pools(threadpoolctl: Library) -> tuple[list[Pool], str | None]:
    if threadpoolctl.module is None:
        return [], threadpoolctl.missing
    found = sorted(threadpoolctl.module.threadpool_info(), key=lambda each: str(each["filepath"]))
    return [
        Pool(each["internal_api"], each["version"], int(each["num_threads"]), each["filepath"]) for each in found
    ], None
