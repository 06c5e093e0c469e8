"""What is known of the GPUs before a GPU library is imported, which takes seconds: a driver, and which one to take."""

from __future__ import annotations

import ctypes
import os
import sys


def require_driver() -> None:
    """Raise RuntimeError, with the mend, on a machine without an NVIDIA driver."""
    library = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"
    try:
        ctypes.CDLL(library)
    except OSError as error:
        raise RuntimeError(
            f"no NVIDIA driver was found ({error}). Mend: install the driver of your GPU "
            "(nvidia-smi must list it), or use a CPU backend: BPNET_BACKEND=numpy"
        ) from error


def own_gpu() -> int:
    """The GPU that this process takes where none is named: of several that were launched together, each one of its own.

    It is the process's number on its machine, as torchrun, the launchers of MPI and Slurm give it; 0 for a process
    alone, and for one that CUDA_VISIBLE_DEVICES shows a single GPU, which is then its own and is counted as 0.
    """
    if len(os.environ.get("CUDA_VISIBLE_DEVICES", ",").split(",")) == 1:
        return 0
    for size, local in (
        ("WORLD_SIZE", "LOCAL_RANK"),
        ("PMI_SIZE", "MPI_LOCALRANKID"),
        ("OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK"),
        ("SLURM_NTASKS", "SLURM_LOCALID"),
    ):
        number, several = os.environ.get(local, ""), os.environ.get(size, "1")
        if number.isdecimal() and several.isdecimal() and int(several) > 1:
            return int(number)
    return 0
