"""What the network asks of an array library, and how one is chosen: `Backend` and `load`."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Mapping
from functools import cache
from importlib.metadata import EntryPoints, entry_points
from inspect import signature
from typing import Any, Protocol, TypeAlias, runtime_checkable

from bpnet.names import look_up

Array: TypeAlias = Any
"""An array of whatever library the backend runs on; the array API standard has no type for it."""

GROUP = "bpnet.backends"
"""The entry-point group that any installed distribution may declare a backend in."""

CPU = ("numba", "numpy")
"""What runs without a GPU: the fastest, then the one that every machine has."""

AUTO = ("cupy", "torch:cuda", *CPU)
"""What `auto` tries, in this order."""

DTYPES = ("float32", "float64")

PRECISIONS = ("strict", "tf32", "bf16")
"""How matrix products of float32 multiply: in IEEE float32, or on a GPU's matrix units in fewer bits."""


@runtime_checkable
class Backend(Protocol):
    """An array library on one device: nine members, and all that bpnet's network knows of it."""

    name: str
    """For people: `numpy`, `numba`, `cupy`, `torch`."""
    device: str
    """For people: `CPU`, `NVIDIA H100 (CUDA 12.4)`."""
    xp: Any
    """The library's array-API namespace."""
    kernels: Mapping[str, Callable[..., Any]]
    """This backend's faster versions of ops, by the op's name; see `bpnet.nn.op`."""

    def asarray(self, x: Any, dtype: str) -> Array:
        """A contiguous array on the device with memory of its own, from anything that NumPy accepts."""

    def to_numpy(self, x: Array) -> Any:
        """A NumPy copy of `x`; waits for the device."""

    def fuse(self, f: Callable[..., Any]) -> Callable[..., Any]:
        """Make one pass over memory of `f`, an elementwise function of arrays and 0-d arrays written in `xp`."""

    def capture(self, step: Callable[[], None]) -> Callable[[], None]:
        """Something to call in place of `step`: the same kernels on the same memory, whose contents may be new.

        Nothing is run yet; the first call does what `step` does, once, however it is prepared. What is returned may
        have a method `repeat(times)`: so many steps, cheaper than as many calls. It is used where no one looks on.
        """

    def synchronize(self) -> None:
        """Wait until the device has finished all that was asked of it."""

    # A backend may offer more, which is used where it is there: `free_memory()`, the bytes of the device that are free,
    # or None; `pinned` and `upload` of `bpnet.training.feed.Uploads`.


class BackendFallbackWarning(UserWarning):
    """The backend asked for cannot run here, and the CPU is used in its place."""


def load(spec: str | Backend | None = None, *, strict: bool | None = None, precision: str | None = None) -> Backend:
    """The backend that `spec` names.

    `spec` is `auto`, a name (`numpy`, `numba`, `cupy`, `torch`, or any in the entry-point group `bpnet.backends`),
    `name:device` (`torch:cpu`, `torch:cuda:1`, `cupy:1`), or a backend itself. None reads the environment variable
    BPNET_BACKEND, `auto` where that is unset. `auto` is the first of cupy, PyTorch on CUDA, numba and numpy that runs
    here.

    `precision` is one of PRECISIONS, see `matrix_precision`; other than strict there is on GPUs only.

    A backend that is known but cannot run here is replaced by the CPU with a `BackendFallbackWarning`, which gives the
    reason and the mend. With `strict` (None reads BPNET_STRICT, off where unset) RuntimeError is raised instead.
    ValueError: an unknown name or device, or a precision that the backend does not have.
    """
    if spec is None:
        spec = os.environ.get("BPNET_BACKEND") or "auto"
    if not isinstance(spec, str):
        if not isinstance(spec, Backend):
            raise TypeError(
                f"backend: {type(spec).__name__} was given, expected a name or an object with the members of Backend"
            )
        if precision is not None:
            raise ValueError(
                f"precision: {precision!r} was given with a backend that is made already, expected None. "
                f"Mend: backend=load({spec.name!r}, precision={precision!r})"
            )
        return spec
    if spec.endswith(".safetensors"):
        raise ValueError(f"backend: {spec!r} was given, expected a backend. Mend: load_model reads saved models")
    wanted = matrix_precision(precision)
    try:
        if spec == "auto":
            return _first_that_runs(AUTO) if wanted == "strict" else _first_gpu(wanted)
        return make(spec) if wanted == "strict" else make(spec, wanted)
    except (ImportError, RuntimeError) as error:
        message = f"the backend {spec!r} cannot run here: {error}"
        if is_strict(strict):
            raise RuntimeError(message) from error
        instead = _first_that_runs(CPU)
        how = "" if wanted == "strict" else f", and strict precision in place of {wanted}"
        text = f"{message}\nUsing the CPU ({instead.name}) in its place{how}."
        warnings.warn(text, BackendFallbackWarning, stacklevel=2)
        return instead


def make(spec: str, precision: str = "strict") -> Backend:
    """Exactly the backend `spec`, or ImportError or RuntimeError with the reason why it cannot run here."""
    name, _, device = spec.partition(":")
    declared = _declared()
    known = {entry.name: entry for entry in declared}
    twice = sorted({entry.value for entry in declared if entry.name == name})
    if len(twice) > 1:
        raise ImportError(f"the backend {name!r} is declared by {' and by '.join(twice)}. Mend: uninstall one of them")
    if not known:
        raise ImportError(
            "no backend is registered. Mend: install bpnet (pip install .), do not just put it on the path"
        )
    factory = look_up("backend", name, known).load()
    if precision == "strict":
        backend = factory(device or None)
    elif "precision" in signature(factory).parameters:
        backend = factory(device or None, precision=precision)
    else:
        raise ValueError(
            f"precision: {precision!r} was given, but the {name} backend knows 'strict' only. "
            "Mend: leave it out, or use a GPU backend (cupy, torch:cuda)"
        )
    if not isinstance(backend, Backend):
        missing = [member for member in _members() if not hasattr(backend, member)]
        raise TypeError(f"the backend {name!r} lacks {', '.join(missing)}; see bpnet.backend.Backend")
    return backend


def registered() -> list[str]:
    """The names of all backends that an installed distribution declares."""
    return sorted({entry.name for entry in _declared()})


def float_dtype(dtype: str | None = None) -> str:
    """`dtype`, or the environment variable BPNET_DTYPE where it is None: `float32` (the default) or `float64`.

    NumPy's types of these names do as well.
    """
    name: Any = dtype or os.environ.get("BPNET_DTYPE") or "float32"
    if not isinstance(name, str):
        name = getattr(name, "name", None) or getattr(name, "__name__", name)
    return look_up("dtype", name, {known: known for known in DTYPES})


def matrix_precision(precision: str | None = None, dtype: str = "float32") -> str:
    """`precision`, or the environment variable BPNET_PRECISION where it is None: one of PRECISIONS.

    `strict` (the default) is IEEE float32. `tf32` rounds what float32 products multiply to 10 bits of mantissa, `bf16`
    to 7; sums, weights and all else stay float32. ValueError: an unknown name, or one of the two for float64.
    """
    name = precision or os.environ.get("BPNET_PRECISION") or "strict"
    known = look_up("precision", name, {known: known for known in PRECISIONS})
    if known != "strict" and dtype != "float32":
        raise ValueError(
            f"precision: {known!r} was given with {dtype}, expected 'strict'. "
            "Mend: leave precision out (and BPNET_PRECISION unset), or use float32"
        )
    return known


@cache
def _declared() -> EntryPoints:
    """What the installed distributions declare; looked up once, because it reads the metadata of all of them."""
    return entry_points(group=GROUP)


def _first_that_runs(specs: tuple[str, ...]) -> Backend:
    for spec in specs[:-1]:
        try:
            return make(spec)
        except (ImportError, RuntimeError):
            continue  # `auto` asked for none of them by name; `bpnet doctor` gives each one's reason
    return make(specs[-1])


def _first_gpu(precision: str) -> Backend:
    """What `auto` takes where fewer bits are asked for, which only GPUs have; RuntimeError where none runs."""
    reasons = []
    for spec in AUTO:
        if spec not in CPU:
            try:
                return make(spec, precision)
            except (ImportError, RuntimeError) as error:
                reasons.append(f"{spec}: {error}")
    raise RuntimeError(f"precision {precision!r} needs a GPU. {' '.join(reasons)}")


def is_strict(strict: bool | None = None) -> bool:
    """`strict`, or what the environment variable BPNET_STRICT says where it is None."""
    if strict is not None:
        return strict
    value = os.environ.get("BPNET_STRICT", "")
    if value not in ("", "0", "1"):
        raise ValueError(f"BPNET_STRICT: {value!r} was given, expected 1 (raise) or 0 (fall back to the CPU)")
    return value == "1"


def _members() -> list[str]:
    return ["name", "device", "xp", "kernels", "asarray", "to_numpy", "fuse", "capture", "synchronize"]
