"""The backend and the settings asked for, and what bpnet makes of them."""

from __future__ import annotations

import os
from dataclasses import dataclass

import bpnet.backend
from bpnet.backend import Backend
from bpnet.cli.doctor.fault import Fault


@dataclass(frozen=True)
class Asked:
    """The backend asked for and the one that bpnet takes, which is the CPU or none where the first cannot be used."""

    spec: str
    source: str
    """Where `spec` comes from: --backend, BPNET_BACKEND or default."""
    usable: bool
    chosen: str | None
    device: str | None
    dtype: str | None
    strict: bool | None
    faults: list[Fault]
    """What is wrong with the backend, BPNET_DTYPE, BPNET_PRECISION and BPNET_STRICT."""


def ask(option: str | None) -> tuple[Asked, Backend | None]:
    """Ask for `option`, or for BPNET_BACKEND where it is None; return what came of it and the backend chosen."""
    variable = os.environ.get("BPNET_BACKEND")
    spec = option or variable or "auto"
    source = "--backend" if option else "BPNET_BACKEND" if variable else "default"
    dtype, dtype_fault = _dtype()
    strict, strict_fault = _strict()
    precision, precision_fault = _precision()
    backend, backend_fault = _load(spec, precision)
    usable = backend_fault is None
    if not usable and strict is False:
        backend = _load_in_its_place(spec)
    faults = [fault for fault in (backend_fault, dtype_fault, precision_fault, strict_fault) if fault is not None]
    chosen, device = (str(backend.name), str(backend.device)) if backend is not None else (None, None)
    return Asked(spec, source, usable, chosen, device, dtype, strict, faults), backend


def _load(spec: str, precision: str | None) -> tuple[Backend | None, Fault | None]:
    try:
        return bpnet.backend.load(spec, strict=True, precision=precision), None
    except ValueError as error:
        return None, Fault.of(error, f"ask for one of {', '.join(bpnet.backend.registered())}, or for auto")
    except (ImportError, RuntimeError) as error:
        return None, Fault.of(error, "use another backend: BPNET_BACKEND=numpy")
    except Exception as error:
        message = f"the backend {spec!r} is broken: {type(error).__name__}: {error}"
        return None, Fault.said(message, "use another backend: BPNET_BACKEND=numpy")


def _load_in_its_place(spec: str) -> Backend | None:
    """What bpnet takes where `spec` cannot be used and BPNET_STRICT is off; None where it raises instead."""
    try:
        return bpnet.backend.load(spec, strict=False)
    except Exception:
        return None  # the reason stands in the report already: `_load` met the same one


def _dtype() -> tuple[str | None, Fault | None]:
    try:
        return bpnet.backend.float_dtype(), None
    except ValueError as error:
        mend = f"set BPNET_DTYPE to {' or '.join(bpnet.backend.DTYPES)}, or unset it"
        return None, Fault.said(f"BPNET_DTYPE: {error}", mend)


def _precision() -> tuple[str | None, Fault | None]:
    """None, which leaves it to the variable; or strict, and what is wrong with the variable."""
    try:
        bpnet.backend.matrix_precision()
    except ValueError as error:
        mend = f"set BPNET_PRECISION to {', '.join(bpnet.backend.PRECISIONS)}, or unset it"
        return "strict", Fault.said(f"BPNET_PRECISION: {error}", mend)
    return None, None


def _strict() -> tuple[bool | None, Fault | None]:
    try:
        return bpnet.backend.is_strict(None), None
    except ValueError as error:
        return None, Fault.of(error, "set BPNET_STRICT to 0 or 1, or unset it")
