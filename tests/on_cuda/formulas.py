"""Each function that a traced step knows, and each operator, at least once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

FORMULAS = """
x + x; x + 1; 1 - x; x * 2.5; 2.0 / (x + 7); x // 2; x % 2.0; -x; +x; abs(x); x @ x.T; x.T @ x; x[0] @ x.T; x @ x[0]
x[0, :] @ x[0, :]; x ** 2; x ** 3; abs(x) ** 0.5; (x + 9) ** -1; k ** 2; 2.0 ** x; abs(x) ** x; k + k; k - 1
7 // (k + 1); k % 3; k & 6; k | 8; k ^ 5; ~k; k << 2; k >> 1; m & (x > 0); m | (x > 0); m ^ (x > 0); ~m; x == x
x != 0; x < 0.5; x >= x; 0 < x; x <= 1; x > -x; k == 2; True ^ m; xp.add(x, 1.0); xp.abs(x); xp.exp(x); xp.expm1(x)
xp.log(abs(x) + 1); xp.log1p(abs(x)); xp.log2(abs(x) + 1); xp.sqrt(abs(x)); xp.square(x); xp.sign(x); xp.tanh(x)
xp.sin(x); xp.cos(x); xp.tan(x); xp.sinh(x); xp.cosh(x); xp.atan(x); xp.acos(x / 9); xp.asinh(x); xp.atanh(x / 9)
xp.atan2(x, x + 1); xp.floor(x); xp.ceil(x); xp.trunc(x); xp.round(x * 3); xp.hypot(x, x); xp.copysign(x, -x)
xp.logaddexp(x, x); xp.reciprocal(x + 9); xp.remainder(x, 2.0); xp.maximum(x, 0.0); xp.minimum(x, -x)
xp.clip(x, -0.5, 0.5); xp.clip(x, max=0.25); xp.isfinite(x / 0.0); xp.isnan(x); xp.isinf(x / 0.0)
xp.logical_and(m, x > 0); xp.logical_or(m, x > 0); xp.logical_xor(m, x > 0); xp.logical_not(m); xp.signbit(x)
xp.pow(abs(x), 1.5); xp.bitwise_left_shift(k, 1); xp.bitwise_invert(k); xp.floor_divide(x, 2.0); xp.sum(x)
xp.sum(x, axis=0); xp.sum(x, axis=-1, keepdims=True); xp.sum(m); xp.sum(k); xp.prod(x, axis=1)
xp.sum(x, axis=(0, 1)); xp.sum(x, dtype=xp.float64); xp.max(x); xp.min(x, axis=0); xp.max(k); xp.all(m)
xp.any(m, axis=1); xp.mean(x); xp.mean(x, axis=0); xp.mean(x, axis=(0, 1), keepdims=True); xp.var(x, axis=1)
xp.std(x, correction=1.0); xp.count_nonzero(m, axis=0); xp.vecdot(x, x); xp.matmul(x, xp.matrix_transpose(x))
xp.argmax(x); xp.argmax(x, axis=0); xp.argmax(x, axis=-1, keepdims=True); xp.argmin(x, axis=1); xp.where(m, x, 0.0)
xp.where(x > 0, x, -x); xp.where(m[:, :1], x, x[0, :]); xp.take(x, k, axis=0); xp.take(x, k, axis=1)
xp.take(x.T, k, axis=0); xp.take(k, k); xp.take(x, k, axis=-1); x[k]; xp.take_along_axis(x, k[:, None], axis=1)
xp.take_along_axis(x.T, k[None, :], axis=0); x[1]; x[1, 2]; x[1:3, ::2]; x[..., 1:]; x[None, :, 3]; x[-1, ...]
x[:, -2:]; x[...]; xp.reshape(x.T, (-1,)); x.mT; x.T; xp.reshape(x, (2, -1, 3)); xp.reshape(x, (6, 4), copy=True)
xp.permute_dims(x, (1, 0)); xp.expand_dims(x, axis=1); xp.squeeze(x[:1, :], axis=0)
xp.broadcast_to(k[:, None], (2, 4, 3)); xp.flip(x); xp.flip(x, axis=0); xp.flip(xp.sum(x)) + x
xp.moveaxis(x, 0, 1); xp.roll(x, 1, axis=0)
xp.roll(x, -2); xp.tile(k, (2, 3)); xp.tile(x, (2,)); xp.repeat(x, 2, axis=1); xp.repeat(k, 3)
xp.concat([x, x + 1]); xp.concat([x, x[:, :1]], axis=1)
xp.concat([x, xp.astype(k[:, None], x.dtype) + x], axis=None); xp.stack([x, x]); xp.stack([x, -x], axis=-1)
xp.unstack(x)[2]; xp.broadcast_arrays(x, k[:, None])[1]; xp.astype(x, xp.int64); xp.astype(x, xp.float64)
xp.astype(m, x.dtype); xp.astype(k, xp.bool); xp.astype(x, x.dtype, copy=False); xp.asarray(x)
xp.asarray(x, copy=True); xp.asarray(2.5); xp.asarray([1, 2]); xp.asarray(True); xp.asarray(x, dtype=xp.float64)
xp.zeros((2, 3)); xp.zeros(3, dtype=xp.int64); xp.ones((), dtype=xp.bool); xp.full((2,), 3)
xp.full((2,), 0.5, dtype=x.dtype); xp.zeros_like(x); xp.ones_like(k); xp.full_like(x, 2)
xp.zeros_like(x, dtype=xp.int64); xp.arange(5); xp.arange(1, 2, 0.25); xp.eye(3, dtype=xp.float64)
xp.linspace(0.0, 1.0, 5); xp.arange(3, dtype=x.dtype); xp.sum(x * xp.ones_like(x))
"""

Function = Callable[[Any, Any, Any, Any], Any]
"""Of xp, an array of floats (4, 6), one of whole numbers (4,) from 0 to 3, and one of truth values (4, 6)."""

CASES: dict[str, Function] = {
    text: eval(f"lambda xp, x, k, m: {text}") for text in map(str.strip, FORMULAS.replace("\n", ";").split(";")) if text
}
