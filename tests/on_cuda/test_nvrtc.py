"""The kernels are what NVIDIA's compiler takes, for two generations of GPUs; no GPU is needed."""

from __future__ import annotations

from itertools import chain

import pytest

from bpnet.backend import DTYPES
from bpnet.nn.window import window
from bpnet_backends.on_cuda import gathering, pooling, summing
from bpnet_backends.on_cuda.custom import Custom

compiler = pytest.importorskip("bpnet_backends.on_cuda.compiler")

CASES = [((28, 28), 1, 5, 4, 1, 1), ((24, 24), 4, 3, 8, 1, 1), ((11, 9), 2, 3, 3, 2, 2), ((7, 7), 1, 3, 1, 3, 40)]
"""Image, channels and filters of a group with the window's side between them, stride, groups."""


def kernels(dtype: str) -> list[Custom]:
    found: list[Custom | None] = []
    for image, into, size, out, stride, groups in CASES:
        at = window(image, (size, size), (stride, stride), (1, 1), "same")
        found.append(gathering.kernel(gathering.forward(at, 32, into, out, groups, dtype, True)))
        found.append(gathering.kernel(gathering.backward(at, 32, out, into, groups, dtype)))
        found.extend(summing.kernels(summing.Summing(dtype, at, 32, groups, into, out, True)) or [None])
    at = window((9, 9), (2, 2), (2, 2), (1, 1), "same")
    for kind in ("max_pool", "max_pool_grad", "average_pool", "average_pool_grad"):
        found.append(pooling.kernel(kind, dtype, at, (32, *(at.image if "grad" in kind else at.places), 8)))
    made = [custom for custom in found if custom is not None]
    assert len(made) == len(found)
    return made


@pytest.mark.parametrize("architecture", [80, 90])
def test_nvrtc_compiles_the_kernels(architecture: int) -> None:
    reason = compiler.obstacle()
    if reason:
        pytest.skip(reason)
    for custom in chain.from_iterable(map(kernels, DTYPES)):
        assert custom.entry.encode() in compiler.compiled(custom.text, architecture)
