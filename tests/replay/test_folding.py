"""Operations on images in which each channel, or each place, has a number of its own."""

import numpy as np
import pytest

from bpnet.backend import make
from bpnet_backends.fusion.folding import folded
from bpnet_backends.fusion.items import items
from bpnet_backends.fusion.rows import RowKernel
from bpnet_backends.on_numpy.program import shortened
from bpnet_backends.on_numpy.recording import record
from replay.replayed import check, normal, on_each

IMAGE = (6, 3, 4, 5)


def by_channel(xp, x, y):
    mean = xp.mean(x, axis=(0, 1, 2), keepdims=True)
    away = x - mean
    return away * xp.reshape(y, (1, 1, 1, -1)) + xp.sum(away * away, axis=(0, 1, 2))


def by_place(xp, x, y):
    mean = xp.mean(x, axis=-1, keepdims=True)
    largest = xp.max(x, axis=3)
    return xp.where(x > mean, x * y, largest[..., None])


def with_other_rows_between(xp, x, y):
    """Sums of a sample are of the first axis, sums of a channel of the others."""
    a = x * y
    by_sample = xp.sum(a, axis=(1, 2, 3), keepdims=True)
    return (a - by_sample) * xp.sum(a, axis=(0, 1, 2)) - xp.sum(a, axis=(1, 2))[:, None, None, :]


def turned(xp, x, y):
    """Not contiguous: the views would be copies."""
    z = xp.permute_dims(x, (0, 2, 1, 3))
    return z + xp.sum(z, axis=(0, 1, 2)) * y


CASES = {f.__name__: f for f in (by_channel, by_place, with_other_rows_between, turned)}


@on_each
@pytest.mark.parametrize("name", CASES)
def test_each_is_replayed(spec, name, dtype):
    check(spec, CASES[name], normal(IMAGE, (5,)), dtype)


@pytest.mark.parametrize("name", ["by_channel", "by_place"])
def test_no_part_is_left_to_numpy(name):
    backend = make("numba")
    x, y = np.ones(IMAGE).view(type(backend.asarray(0.0, "float64"))), backend.asarray(np.ones(5), "float64")
    out = np.zeros(IMAGE).view(type(x))
    with record() as found:
        out[...] = CASES[name](backend.xp, x, y)
    assert all(isinstance(item.work, RowKernel) for item in items(shortened(found)))


def test_what_cannot_be_folded():
    backend = make("numba")
    x = backend.asarray(np.ones(IMAGE), "float64")
    with record() as found:
        x + x[:, :1, :, :]  # a number for each column of each image
        backend.xp.sum(x, axis=(1, 2))
        backend.xp.sum(x, axis=None)
        x[0, 0] + x[0, 0]
    assert [folded(call) for call in found.calls] == [None] * 4
