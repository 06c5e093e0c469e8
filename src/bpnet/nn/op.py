"""`@op`: a formula in plain `xp`, replaced by the backend's kernel of the same name where it has one."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from bpnet.backend import Array, Backend

P = ParamSpec("P")
R = TypeVar("R")

OPS: dict[str, Callable[..., Any]] = {}
"""Each op's plain default by name: the oracle that a backend's kernel is tested against."""


def op(default: Callable[Concatenate[Backend, P], R]) -> Callable[Concatenate[Backend, P], R]:
    """Register `default` under its name; calls go to the backend's kernel of that name where there is one.

    A kernel returns NotImplemented, and has done nothing, where the default would be faster.
    """
    name = default.__name__
    OPS[name] = default

    @wraps(default)
    def call(be: Backend, /, *args: P.args, **kwargs: P.kwargs) -> R:
        kernel = be.kernels.get(name)
        made = NotImplemented if kernel is None else kernel(be, *args, **kwargs)
        return default(be, *args, **kwargs) if made is NotImplemented else made

    return call


@op
def affine(be: Backend, x: Array, w: Array, b: Array | None) -> Array:
    """z = x w + b;  x (N, I), w (I, O), b (O,) or None → z (N, O)."""
    z = x @ w
    return z if b is None else z + b


@op
def affine_grads(be: Backend, x: Array, dz: Array, dw: Array, db: Array | None) -> None:
    """dw = xᵀ dz and db = Σₙ dz, written into the network's gradient."""
    dw[...] = be.xp.matrix_transpose(x) @ dz
    if db is not None:
        db[...] = be.xp.sum(dz, axis=-2)


@op
def affine_input_grad(be: Backend, dz: Array, w: Array) -> Array:
    """dx = dz wᵀ."""
    return dz @ be.xp.matrix_transpose(w)


@op
def call_host(be: Backend, function: Callable[[Array], None], vector: Array) -> None:
    """function(vector), which changes it in place; where a backend has a kernel for it, also in each replay."""
    function(vector)


def zeros(be: Backend, shape: tuple[int, ...], dtype: str) -> Array:
    """An array of zeros on the backend's device."""
    zero = be.asarray(0.0, dtype)
    return be.xp.zeros(shape, dtype=zero.dtype, device=zero.device)
