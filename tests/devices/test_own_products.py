"""Our own kernels for matrix products against NumPy, on the emulated GPU."""

import numpy as np
import pytest

from bpnet_backends.on_cuda.device import Matrix
from bpnet_backends.on_cuda.own_products import BLOCKS, SHORTEST, OwnProducts, is_tiny
from devices.matrices import LAYOUTS, agree, matrix, operands
from emulator.device import EmulatedDevice


@pytest.fixture(params=[False, True], ids=["", "backwards"])
def device(request):
    return EmulatedDevice(backwards=request.param)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("stack", "rows", "inner", "columns"),
    [(1, 1, 1, 1), (1, 5, 3, 7), (1, 33, 17, 65), (1, 70, 20, 66), (3, 4, 6, 5), (1, 10, 600, 12), (2, 3, 300, 2)],
)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_product_of_each_layout(device, dtype, stack, rows, inner, columns, layout):
    places, result, expected = operands(device, (stack, rows, inner, columns), dtype, layout)
    product = OwnProducts(device, device.allocate(1 << 20)).prepared(*places)
    for _ in range(2):
        product()
        assert agree(result, expected, dtype)


def test_a_long_sum_is_cut_into_parts_and_has_the_same_bits_each_time(device):
    random = np.random.default_rng(1)
    a, left = matrix(device, random.normal(size=(1, 20, 5 * SHORTEST + 3)), "float32", by_columns=True)
    b, right = matrix(device, random.normal(size=(1, 5 * SHORTEST + 3, 30)), "float32")
    c, result = matrix(device, np.zeros((1, 20, 30)), "float32")
    product = OwnProducts(device, device.allocate(1 << 20)).prepared(a, b, c)
    before = device.counts.launches
    product()
    assert device.counts.launches == before + 2
    first = result.copy()
    product()
    assert np.array_equal(result, first)
    assert np.allclose(result, np.matmul(left, right), rtol=0, atol=1e-4)


def test_parts_fit_into_the_workspace_and_into_the_gpu(device):
    a, _ = matrix(device, np.ones((1, 8, 4 * SHORTEST)), "float32")
    b, _ = matrix(device, np.ones((1, 4 * SHORTEST, 8)), "float32")
    c, result = matrix(device, np.zeros((1, 8, 8)), "float32")
    OwnProducts(device, device.allocate(2 * 8 * 8 * 4)).prepared(a, b, c)()
    assert np.array_equal(result, np.full((1, 8, 8), 4 * SHORTEST))
    assert BLOCKS >= 132  # the multiprocessors of an H100


def test_what_is_broadcast_and_what_is_empty(device):
    a, left = matrix(device, np.arange(6.0).reshape(1, 2, 3), "float64")
    repeated = Matrix(a.memory, 0, "float64", 4, 2, 3, 0, 3, 1)
    b, right = matrix(device, np.arange(24.0).reshape(4, 3, 2), "float64")
    c, result = matrix(device, np.zeros((4, 2, 2)), "float64")
    own = OwnProducts(device, device.allocate(1 << 10))
    own.prepared(repeated, b, c)()
    assert np.array_equal(result, left @ right)
    nothing = Matrix(a.memory, 0, "float64", 4, 2, 0, 0, 0, 1), Matrix(b.memory, 0, "float64", 4, 0, 2, 0, 2, 1)
    own.prepared(*nothing, c)()
    assert not result.any()
    own.prepared(a, b, Matrix(c.memory, 0, "float64", 1, 0, 2, 0, 2, 1))()


def test_tiny_is_a_number_of_multiply_adds():
    def shaped(rows, columns, stack=1):
        return Matrix(None, 0, "float32", stack, rows, columns, 0, columns, 1)

    assert is_tiny(shaped(32, 32), shaped(32, 32))
    assert not is_tiny(shaped(32, 33), shaped(32, 32))
    assert not is_tiny(shaped(32, 32, 2), shaped(32, 32, 2))
