"""The memory that an engine reduces: the array's own, or a copy that is brought back."""

import array_api_strict
import numpy as np
import pytest
import torch

import bpnet
from bpnet.distributed.host import as_numpy, by_way_of_host, is_on_host, library_array


@pytest.mark.parametrize("spec", ["numpy", "numba", "torch:cpu"])
def test_a_backends_array_is_reduced_in_its_own_memory(spec):
    backend = bpnet.load(spec)
    vector = backend.asarray(np.arange(6.0), "float64")
    part = vector[2:5]
    found = as_numpy(library_array(part))
    assert type(found) is np.ndarray
    found += 1
    assert backend.to_numpy(vector).tolist() == [0, 1, 3, 4, 5, 5]


def test_an_array_of_no_dimensions_and_one_of_another_library():
    zero = bpnet.load("numpy").asarray(2.0, "float64")
    as_numpy(zero)[...] = 5.0
    assert float(zero) == 5.0
    other = array_api_strict.asarray(np.arange(3.0))
    assert is_on_host(other)
    assert as_numpy(other).tolist() == [0, 1, 2]


def test_a_vector_with_gaps_is_refused():
    with pytest.raises(ValueError, match="expected a contiguous one"):
        as_numpy(np.arange(6.0)[::2])


class OfCuPy:
    """Stands for CuPy's array: memory elsewhere, with CuPy's ways to and from it."""

    def __init__(self, values):
        self.there = np.array(values)

    def __dlpack_device__(self):
        return 2, 0

    def get(self):
        return self.there.copy()

    def set(self, values):
        self.there[...] = values


class Wrapped:
    """Stands for the array of bpnet's backends on a GPU."""

    def __init__(self, own):
        self.own = own


def test_cupys_array_goes_by_way_of_the_host():
    there = OfCuPy([1.0, 2.0])
    array = library_array(Wrapped(there))
    assert not is_on_host(array)
    copy, write_back = by_way_of_host(array)
    copy *= 10
    assert there.there.tolist() == [1, 2]
    write_back()
    assert there.there.tolist() == [10, 20]


class OnCuda:
    """Stands for PyTorch's tensor on a GPU."""

    def __init__(self, values):
        self.there = torch.tensor(values)

    def __dlpack_device__(self):
        return 2, 0

    def cpu(self):
        return self.there.clone()

    def copy_(self, tensor):
        self.there.copy_(tensor)


def test_pytorchs_array_goes_by_way_of_the_host():
    there = OnCuda([1.0, 2.0])
    copy, write_back = by_way_of_host(there)
    copy *= 10
    write_back()
    assert there.there.tolist() == [10, 20]
