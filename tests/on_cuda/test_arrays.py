"""Arrays outside of traced steps: what the standard asks of them, computed by the library."""

from __future__ import annotations

import copy
import operator
from typing import Any

import numpy as np
import pytest

from on_cuda.interpreted import Interpreted
from on_cuda.numpy_device import NumPyDevice
from on_cuda.torch_device import TorchOnCPU

DEVICES = {"numpy": NumPyDevice, "torch": TorchOnCPU}


@pytest.fixture(params=DEVICES)
def backend(request: Any) -> Interpreted:
    return Interpreted(DEVICES[request.param]())


def test_what_an_array_tells_of_itself(backend: Interpreted) -> None:
    x = backend.asarray(np.zeros((2, 3, 4)), "float32")
    assert (x.shape, x.ndim, x.size, len(x), x.mT.shape) == ((2, 3, 4), 3, 24, 2, (2, 4, 3))
    assert x.dtype == backend.xp.float32
    assert backend.xp.float32 == x.dtype
    assert x.dtype != backend.xp.float64
    assert x.__array_namespace__() is backend.xp
    assert backend.xp.zeros(2, device=x.device).shape == (2,)
    assert repr(x).startswith("Array(")
    assert backend.asarray(np.zeros((2, 3)), "float64").T.shape == (3, 2)
    with pytest.raises(ValueError, match="T: an array of 3 axes was given, expected 2"):
        x.T  # noqa: B018


def test_values_of_python(backend: Interpreted) -> None:
    x = backend.asarray(2.5, "float64")
    assert (float(x), int(x), bool(x), complex(x)) == (2.5, 2, True, 2.5 + 0j)
    assert operator.index(backend.asarray(7, "int64")) == 7
    assert [float(part) for part in backend.asarray([1, 2], "float64")] == [1, 2]


def test_in_place_is_in_place(backend: Interpreted) -> None:
    x = backend.asarray(np.arange(6.0).reshape(2, 3), "float64")
    row = before = x[1, :]
    row += 1
    row *= x[0, :] + 1
    row[0] = -1
    assert row is before
    np.testing.assert_array_equal(backend.to_numpy(x), [[0, 1, 2], [-1, 10, 18]])


def test_a_sum_is_an_array_that_can_be_written(backend: Interpreted) -> None:
    total = backend.xp.sum(backend.asarray([1, 2], "float64"))
    total[...] = 5
    total += 1
    assert float(total) == 6


def test_two_types_meet_as_in_the_standard(backend: Interpreted) -> None:
    """Whatever the numbers of axes."""
    narrow, wide = backend.asarray([1, 2], "float32"), backend.asarray(0.1, "float64")
    for found in (narrow * wide, wide * narrow, narrow - wide, backend.xp.multiply(narrow, wide)):
        assert found.dtype == backend.xp.float64
    assert (narrow * 0.1).dtype == (np.float64(0.1) * narrow).dtype == backend.xp.float32
    assert backend.xp.result_type(narrow, wide) == backend.xp.float64


def test_functions_of_several_arrays_and_of_types(backend: Interpreted) -> None:
    xp, x = backend.xp, backend.asarray([[3, 1, 2]], "float64")
    found = xp.unique_counts(x)
    assert type(found).__name__ != "tuple"
    np.testing.assert_array_equal(backend.to_numpy(found.values), [1, 2, 3])
    assert [part.shape for part in xp.unstack(x, axis=1)] == [(1,)] * 3
    assert xp.finfo(xp.float32).eps == np.finfo(np.float32).eps
    assert xp.isdtype(x.dtype, "real floating")
    assert xp.linalg.matrix_norm(x).shape == ()
    assert xp.pi == np.pi
    np.testing.assert_array_equal(backend.to_numpy(xp.concat([x, x])), [[3, 1, 2]] * 2)
    np.testing.assert_array_equal(backend.to_numpy(x[xp.asarray([[True, False, True]])]), [3, 2])


def test_a_copy_has_memory_of_its_own(backend: Interpreted) -> None:
    x = backend.asarray([1, 2], "float64")
    other = copy.deepcopy(x)
    other += 1
    np.testing.assert_array_equal(backend.to_numpy(x), [1, 2])
    assert other.home is x.home


def test_numpy_gets_no_array_without_being_asked(backend: Interpreted) -> None:
    x = backend.asarray([1, 2], "float64")
    with pytest.raises(TypeError, match=r"NumPy was given one that lies on a GPU.*Mend: backend.to_numpy"):
        np.asarray(x)
    with pytest.raises(TypeError):
        np.exp(x)
    with pytest.raises(TypeError):
        x + "1"
    with pytest.raises(TypeError, match="unhashable"):
        hash(x)
    with pytest.raises(AttributeError, match="no_such_function"):
        backend.xp.no_such_function  # noqa: B018
