"""Each registered backend: usable, or why not."""

from __future__ import annotations

from dataclasses import dataclass

import bpnet.backend
from bpnet.backend import Backend
from bpnet.cli.doctor.fault import Fault

DEVICES = {"torch": ("torch:cuda", "torch:cpu")}
"""Backends that are tried on more than one device."""

FIRST = "cupy"
"""Tried before PyTorch is imported: PyTorch brings CUDA's libraries into the process, and CuPy would find them there
even where its own are missing."""


@dataclass(frozen=True)
class Probe:
    """A backend that was tried."""

    spec: str
    status: str
    """`usable`, `not usable` (ImportError or RuntimeError said why) or `broken` (it raised anything else)."""
    device: str | None = None
    fault: Fault | None = None


def specs() -> tuple[list[str], list[str]]:
    """What to try before PyTorch is imported, and what to try after."""
    names = bpnet.backend.registered()
    rest = [spec for name in names if name != FIRST for spec in DEVICES.get(name, (name,))]
    return [name for name in names if name == FIRST], rest


def probe(spec: str) -> tuple[Probe, Backend | None]:
    """Make the backend `spec`. Whatever it raises is reported."""
    try:
        backend = bpnet.backend.make(spec)
        return Probe(spec, "usable", device=str(backend.device)), backend
    except (ImportError, RuntimeError) as error:
        return Probe(spec, "not usable", fault=Fault.of(error)), None
    except Exception as error:
        mend = "tell the authors of this backend, or uninstall it"
        return Probe(spec, "broken", fault=Fault.said(f"{type(error).__name__}: {error}", mend)), None
