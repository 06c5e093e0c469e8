"""PyTorch's kernels for convolution and pooling on a GPU, in steps that are traced."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

import torch

from bpnet_backends.on_cuda.custom import by_library, empty
from bpnet_backends.on_torch import convolution, pooling
from bpnet_backends.on_torch.device import tf32


def kernels(precision: str) -> Mapping[str, Callable[..., Any]]:
    """By the op's name. Convolutions multiply in TF32 where `precision` is not strict, in bf16 never: cuDNN would
    round its results too.
    """
    multiply = (lambda function: function) if precision == "strict" else _in_tf32

    def conv2d(be: Any, x: Any, w: Any, b: Any, at: Any, groups: int) -> Any:
        z = empty((x.shape[0], *at.places, w.shape[3]), x.dtype)
        _fill(multiply(convolution.conv2d), (x, w, b), z, at, groups)
        return z

    def conv2d_grads(be: Any, x: Any, dz: Any, dw: Any, db: Any, at: Any, groups: int) -> None:
        _write(multiply(convolution.conv2d_grads), (x, dz), (dw, db), at, groups)

    def conv2d_input_grad(be: Any, dz: Any, w: Any, at: Any, groups: int) -> Any:
        dx = empty((dz.shape[0], *at.image, w.shape[2] * groups), dz.dtype)
        _fill(multiply(convolution.conv2d_input_grad), (dz, w), dx, at, groups)
        return dx

    def depthwise_conv2d(be: Any, x: Any, w: Any, b: Any, at: Any) -> Any:
        z = empty((x.shape[0], *at.places, w.shape[2] * w.shape[3]), x.dtype)
        _fill(multiply(convolution.depthwise_conv2d), (x, w, b), z, at)
        return z

    def depthwise_conv2d_grads(be: Any, x: Any, dz: Any, dw: Any, db: Any, at: Any) -> None:
        _write(multiply(convolution.depthwise_conv2d_grads), (x, dz), (dw, db), at)

    def depthwise_conv2d_input_grad(be: Any, dz: Any, w: Any, at: Any) -> Any:
        dx = empty((dz.shape[0], *at.image, w.shape[2]), dz.dtype)
        _fill(multiply(convolution.depthwise_conv2d_input_grad), (dz, w), dx, at)
        return dx

    def max_pool(be: Any, x: Any, at: Any) -> Any:
        y = empty((x.shape[0], *at.places, x.shape[3]), x.dtype)
        _fill(pooling.max_pool, (x,), y, at)
        return y

    def max_pool_grad(be: Any, x: Any, y: Any, dy: Any, at: Any) -> Any:
        dx = empty(x.shape, x.dtype)
        _fill(pooling.max_pool_grad, (x, y, dy), dx, at)
        return dx

    ops = (conv2d, conv2d_grads, conv2d_input_grad, depthwise_conv2d, depthwise_conv2d_grads)
    return {op.__name__: op for op in (*ops, depthwise_conv2d_input_grad, max_pool, max_pool_grad)}


def _fill(kernel: Callable[..., Any], inputs: tuple[Any, ...], output: Any, *settings: Any) -> None:
    """output = kernel(inputs, settings); an input may be None."""
    given = [x for x in inputs if x is not None]

    def function(*tensors: Any) -> None:
        *read, written = tensors
        written.copy_(kernel(None, *_placed(inputs, read), *settings))

    by_library(function, given, [output])


def _write(kernel: Callable[..., Any], inputs: tuple[Any, ...], outputs: tuple[Any, ...], *settings: Any) -> None:
    """kernel(inputs, outputs, settings), which writes into the outputs; the last may be None."""

    def function(*tensors: Any) -> None:
        kernel(None, *tensors[: len(inputs)], *_placed(outputs, tensors[len(inputs) :]), *settings)

    by_library(function, inputs, [x for x in outputs if x is not None])


def _placed(pattern: tuple[Any, ...], tensors: Any) -> list[Any]:
    """The tensors in the places of `pattern` that are not None."""
    left = iter(tensors)
    return [None if x is None else next(left) for x in pattern]


def _in_tf32(kernel: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(kernel)
    def rounded(*args: Any) -> Any:
        with tf32(torch):
            return kernel(*args)

    return rounded
