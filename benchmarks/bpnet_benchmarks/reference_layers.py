"""Each layer in NumPy and float64, forward and backward: of its own making, with nothing of bpnet.

Convolution:  z[n,i,j,f] = Σ_ckl x̂[n, i+k, j+l, c] w[k,l,c,f] + b[f],  x̂ the padded x;
              dw[k,l,c,f] = Σ_nij x̂[n, i+k, j+l, c] dz[n,i,j,f],  db = Σ dz;
              dx is the convolution of dz, padded so that it comes out as large as x, with w turned by half a turn.
Maximum:      dy goes to the first largest of each square.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from bpnet_benchmarks.layers import Conv, Dense, Layer, Pool, Shape

Arrays = Sequence[np.ndarray]
Formula = Callable[[np.ndarray], np.ndarray | float]

KEPT = 2**23
"""Numbers of the largest array that is made at once, at most, where more than one sample is in it: 64 MiB."""

F: dict[str, Formula] = {"relu": lambda z: np.maximum(z, 0), "tanh": np.tanh, "softmax": lambda z: z}
"""The softmax is left to the loss."""

DF: dict[str, Formula] = {"relu": lambda y: y > 0, "tanh": lambda y: 1 - y * y, "softmax": lambda y: 1.0}
"""f' from the output."""


def forward(layer: Layer, weights: Arrays, x: np.ndarray) -> np.ndarray:
    """What the layer makes of x; float64."""
    match layer:
        case Dense():
            y = F[layer.activation](x @ weights[0] + weights[1])
        case Conv():
            y = F[layer.activation](_convolved(x, weights[0], layer.padding) + weights[1])
        case Pool():
            y = _squares(x, layer.size).max(axis=-1)
        case _:
            y = x.reshape(len(x), -1)
    return np.asarray(y, np.float64)


def backward(
    layer: Layer, weights: Arrays, x: np.ndarray, y: np.ndarray, dy: np.ndarray, *, need_dx: bool
) -> tuple[np.ndarray, Arrays]:
    """dx, which is dy where nobody needs it, and dw and db where the layer has weights."""
    match layer:
        case Dense():
            dz = dy * DF[layer.activation](y)
            return dz @ weights[0].T if need_dx else dy, (x.T @ dz, dz.sum(axis=0))
        case Conv():
            dz = dy * DF[layer.activation](y)
            dw = _windows(x, layer.size, layer.padding).T @ dz.reshape(-1, layer.filters)
            grads = dw.reshape(weights[0].shape), dz.sum(axis=(0, 1, 2))
            before, behind = (layer.size - 1 - each for each in layer.padding)
            turned = weights[0][::-1, ::-1].transpose(0, 1, 3, 2)
            return _convolved(dz, turned, (before, behind)) if need_dx else dy, grads
        case Pool():
            return _to_the_first_largest(x, dy, layer.size), ()
        case _:
            return dy.reshape(x.shape), ()


def rows_at_once(chain: Sequence[tuple[Layer, Shape, Shape]]) -> int:
    """How many samples can go through the layers together: a convolution's windows are many times its image."""
    largest = 1
    for layer, before, after in chain:
        window = layer.size**2 if isinstance(layer, Conv) else 1
        places = prod(after[:2]) if isinstance(layer, Conv) else 1
        taken = places * window * before[-1]
        given = prod(before[:2]) * window * after[-1] if isinstance(layer, Conv) else prod(after)
        largest = max(largest, taken, given)
    return max(1, KEPT // largest)


def _convolved(x: np.ndarray, w: np.ndarray, padding: tuple[int, int]) -> np.ndarray:
    """x (N, H, W, C) with w (K, K, C, F) at each place, (N, H', W', F)."""
    size, *_, filters = w.shape
    height, width = (n + sum(padding) - size + 1 for n in x.shape[1:3])
    z: np.ndarray = _windows(x, size, padding) @ w.reshape(-1, filters)
    return z.reshape(len(x), height, width, filters)


def _windows(x: np.ndarray, size: int, padding: tuple[int, int]) -> np.ndarray:
    """What lies under the window, a row a place, (N·H'·W', size²·C)."""
    padded = np.pad(x, ((0, 0), padding, padding, (0, 0)))
    windows = sliding_window_view(padded, (size, size), axis=(1, 2))
    return windows.transpose(0, 1, 2, 4, 5, 3).reshape(-1, size * size * x.shape[-1])


def _squares(x: np.ndarray, size: int) -> np.ndarray:
    """The numbers of each square, row by row, (N, H', W', C, size²)."""
    n, height, width, channels = x.shape
    h, w = height // size, width // size
    squares = x[:, : h * size, : w * size].reshape(n, h, size, w, size, channels)
    return squares.transpose(0, 1, 3, 5, 2, 4).reshape(n, h, w, channels, size * size)


def _to_the_first_largest(x: np.ndarray, dy: np.ndarray, size: int) -> np.ndarray:
    """dx of the maximum; 0 in rows and columns that fill no square."""
    n, h, w, channels = dy.shape
    is_first = np.arange(size * size) == _squares(x, size).argmax(axis=-1)[..., None]
    squares: Any = np.where(is_first, dy[..., None], 0.0).reshape(n, h, w, channels, size, size)
    dx = np.zeros(x.shape)
    dx[:, : h * size, : w * size] = squares.transpose(0, 1, 4, 2, 5, 3).reshape(n, h * size, w * size, channels)
    return dx
