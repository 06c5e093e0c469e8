"""The versions that are installed; of CuPy, every distribution that brings it."""

from __future__ import annotations

import platform
import re
from dataclasses import dataclass
from importlib import metadata

import bpnet
from bpnet.cli.doctor.fault import Fault

SAME_IMPORT = re.compile(r"cupy(-cuda\w+|-rocm[\w-]+)?")
"""The distributions whose import is `cupy`; cupy-xarray and the like are others."""


@dataclass(frozen=True)
class Distribution:
    """An installed distribution."""

    name: str
    version: str


def installed() -> list[Distribution]:
    """All installed distributions, by normalized name; the first on the path of each name."""
    found: dict[str, Distribution] = {}
    for each in metadata.distributions():
        name = each.metadata["Name"]
        if name:  # None in what an interrupted pip left behind
            name = re.sub(r"[-_.]+", "-", name).lower()
            found.setdefault(name, Distribution(name, each.version))
    return sorted(found.values(), key=lambda each: each.name)


def versions(distributions: list[Distribution]) -> dict[str, str | None]:
    """The versions that decide what runs; None: not installed. CuPy's are of all distributions that bring it."""
    found = {each.name: each.version for each in distributions}
    cupy = [f"{each.version} ({each.name})" for each in distributions if SAME_IMPORT.fullmatch(each.name)]
    return {
        "platform": platform.platform(),
        "python": f"{platform.python_version()} ({platform.python_implementation()})",
        "bpnet": bpnet.__version__,
        **{name: found.get(name) for name in ("numpy", "array-api-compat", "numba", "torch")},
        "cupy": ", ".join(cupy) or None,
        **{name: found.get(name) for name in ("cuda-bindings", "nvmath-python", "mpi4py", "mpich")},
    }


def cupy_distributions(distributions: list[Distribution]) -> list[Distribution]:
    """Those whose name begins with cupy."""
    return [each for each in distributions if each.name.startswith("cupy")]


def cupy_warnings(distributions: list[Distribution]) -> list[Fault]:
    """A warning where more than one distribution brings the import `cupy`."""
    names = [each.name for each in distributions if SAME_IMPORT.fullmatch(each.name)]
    if len(names) < 2:
        return []
    mend = (
        f"pip uninstall {' '.join(names)}, then install one: pip install cupy-cuda12x or cupy-cuda13x, "
        "whichever CUDA the driver supports (nvidia-smi)"
    )
    return [Fault(f"{len(names)} distributions bring the import cupy, and overwrite each other's files.", mend)]
