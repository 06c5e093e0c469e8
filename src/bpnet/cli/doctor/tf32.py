"""TF32: does a GPU shorten the factors of float32 products to 10 bits of fraction?"""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from dataclasses import dataclass

from bpnet.cli.doctor.fault import Fault
from bpnet.cli.doctor.library import Library

NOTE = "bpnet turns TF32 off in PyTorch when its torch backend is made on CUDA; CuPy leaves it off unless CUPY_TF32=1."

FLAGS = ("cuda.matmul", "cudnn")
"""Where PyTorch keeps its flags `allow_tf32`, below torch.backends."""

VARIABLES = ("CUPY_TF32", "NVIDIA_TF32_OVERRIDE")


@dataclass(frozen=True)
class Tf32:
    """PyTorch's flags before and after bpnet's backends were made, and the environment."""

    at_start: dict[str, bool | str]
    now: dict[str, bool | str]
    missing: str | None
    """Why there are no flags."""
    environment: dict[str, str | None]
    note: str = NOTE


def flags(torch: Library) -> dict[str, bool | str]:
    """PyTorch's flags by name; what reading one raises in place of its value."""
    if torch.module is None:
        return {}
    return {f"torch.backends.{place}.allow_tf32": _flag(torch, place) for place in FLAGS}


def environment() -> dict[str, str | None]:
    """The variables that turn TF32 on and off; None: not set."""
    return {name: os.environ.get(name) for name in VARIABLES}


def tf32_warnings(environment: Mapping[str, str | None]) -> list[Fault]:
    """A warning where the environment turns TF32 on in CuPy."""
    if environment["CUPY_TF32"] in (None, "", "0"):
        return []
    reason = f"CUPY_TF32={environment['CUPY_TF32']} turns TF32 on in CuPy: float32 products keep 3 digits, not 7."
    return [Fault(reason, "unset CUPY_TF32")]


def _flag(torch: Library, place: str) -> bool | str:
    owner = torch.module.backends
    try:
        for name in place.split("."):
            owner = getattr(owner, name)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of PyTorch 2.9, that there are newer flags
            return bool(owner.allow_tf32)
    except (AttributeError, RuntimeError) as error:
        return f"{type(error).__name__}: {error}"
