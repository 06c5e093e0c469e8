"""Inputs that are equal in both float types, results brought to the host, and PyTorch's autograd as the oracle."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias
from zlib import crc32

import numpy as np
import torch

from bpnet.backend import Array, Backend

Results: TypeAlias = dict[str, list[np.ndarray]]
"""Arrays on the host by direction: `forward` and `backward`, or `update`, or `rate`."""

Agree: TypeAlias = Callable[[str, str, Callable[[Backend, str], Results], Callable[[], Results]], None]
"""The fixture `agree`."""


def exact(values: Any) -> np.ndarray:
    """`values` rounded to float32 and held in float64, so that both float types start from the same numbers."""
    return np.asarray(values, dtype=np.float32).astype(np.float64)


def generator(purpose: str) -> np.random.Generator:
    """The same numbers in every run."""
    return np.random.default_rng(crc32(purpose.encode()))


def normal(purpose: str, *shape: int) -> np.ndarray:
    """Standard normal numbers."""
    return exact(generator(purpose).normal(size=shape))


def off_zero(purpose: str, *shape: int, gap: float = 0.1) -> np.ndarray:
    """Normal numbers moved away from 0 by `gap`: no kink at 0 is near."""
    values = generator(purpose).normal(size=shape)
    return exact(values + np.copysign(gap, values))


def one_hot(labels: np.ndarray, classes: int) -> np.ndarray:
    """1 in the column of the label."""
    return np.eye(classes)[labels]


def to_host(backend: Backend, array: Array) -> np.ndarray:
    """A NumPy copy of one result."""
    copy: np.ndarray = backend.to_numpy(array)
    return copy


def host(backend: Backend, dtype: str, *arrays: Array) -> list[np.ndarray]:
    """NumPy copies of results, which must be of `dtype`."""
    copies = [to_host(backend, array) for array in arrays]
    assert [copy.dtype for copy in copies] == [np.dtype(dtype)] * len(copies)
    return copies


def autograd(f: Callable[..., torch.Tensor], inputs: Sequence[np.ndarray], dy: np.ndarray | None = None) -> Results:
    """y = f(*inputs) and the gradients of Σ dy ⊙ y, from PyTorch in float64."""
    x = [torch.tensor(array, dtype=torch.float64, requires_grad=True) for array in inputs]
    y = f(*x)
    gradients = torch.autograd.grad(y, x, None if dy is None else torch.tensor(dy, dtype=torch.float64))
    return {"forward": [y.detach().numpy()], "backward": [gradient.numpy() for gradient in gradients]}
