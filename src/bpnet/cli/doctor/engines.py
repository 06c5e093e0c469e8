"""What a run in many processes could talk through. Nothing is started."""

from __future__ import annotations

from importlib import metadata, util

from bpnet.cli.doctor.library import Library


def found(torch: Library) -> dict[str, str]:
    """By launcher: the engine, or why there is none, with the mend."""
    return {"torchrun": _torch(torch), "mpiexec": _mpi()}


def _torch(torch: Library) -> str:
    if torch.module is None:
        return f'none: {torch.missing}. Mend: pip install ".[torch]"'
    distributed = getattr(torch.module, "distributed", None)
    if distributed is None or not distributed.is_available():
        return "none: PyTorch was built without torch.distributed. Mend: another build of PyTorch"
    return "torch.distributed: " + ", ".join(
        name for name in ("gloo", "nccl") if getattr(distributed, f"is_{name}_available")()
    )


def _mpi() -> str:
    """Looked up, not imported: mpi4py starts MPI when it is."""
    if util.find_spec("mpi4py") is None:
        return 'none: mpi4py is not installed. Mend: pip install ".[mpi]"'
    return f"mpi4py {metadata.version('mpi4py')}"
