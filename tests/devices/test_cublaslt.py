"""How products are put to cuBLASLt, on a stand-in that reads layouts as the library does."""

import numpy as np
import pytest

from bpnet_backends.on_cuda.cublaslt import CublasLt
from bpnet_backends.on_cuda.device import Matrix
from devices.matrices import LAYOUTS, agree, matrix, operands
from emulator.device import EmulatedDevice

SHAPES = [(1, 1, 1, 1), (1, 5, 3, 7), (1, 1, 4, 6), (1, 6, 4, 1), (1, 6, 1, 4), (3, 4, 6, 5), (2, 1, 3, 1)]


@pytest.fixture
def device():
    return EmulatedDevice()


def made(device, precision="strict"):
    return CublasLt(device.allocate(1 << 16), lambda: 5, precision)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_product_of_each_layout(cublaslt, device, dtype, shape, layout):
    places, result, expected = operands(device, shape, dtype, layout)
    product = made(device).prepared(*places)
    for _ in range(2):
        product()
        assert agree(result, expected, dtype)
        result[...] = np.nan
    (compute, _, stream), _ = cublaslt.calls
    assert compute == {"float32": 68, "float64": 70}[dtype]  # not 77, which is TF32
    assert stream == 5


@pytest.mark.parametrize(("precision", "compute"), [("strict", 68), ("tf32", 77), ("bf16", 75)])
def test_a_precision_is_a_compute_type_of_float32_alone(cublaslt, device, precision, compute):
    library = made(device, precision)
    for dtype, expected in (("float32", compute), ("float64", 70)):
        places, _, _ = operands(device, (1, 4, 5, 6), dtype, "rows")
        library.prepared(*places)()
        assert cublaslt.calls[-1][0] == expected


def test_the_heuristic_is_asked_once_for_a_shape_and_an_alignment(cublaslt, device):
    library = made(device)
    for _ in range(3):
        places, result, expected = operands(device, (1, 4, 5, 6), "float32", "rows")
        library.prepared(*places)()
        assert agree(result, expected, "float32")
    assert len(cublaslt.asked) == 1
    memory = device.allocate(4 * 30)
    moved = Matrix(memory, 4, "float32", 1, 4, 5, 0, 5, 1)
    library.prepared(moved, *places[1:])
    assert len(cublaslt.asked) == 2
    # cuBLASLt's A is our b, because it computes the transposed product.
    assert [asked["MIN_ALIGNMENT_B_BYTES"] for asked in cublaslt.asked] == [256, 4]
    assert cublaslt.asked[1]["MIN_ALIGNMENT_A_BYTES"] == cublaslt.asked[1]["MIN_ALIGNMENT_D_BYTES"] == 256
    assert all(asked["MAX_WORKSPACE_BYTES"] == 1 << 16 for asked in cublaslt.asked)


def test_what_it_does_not_take_is_left_to_us(cublaslt, device):
    library = made(device)
    (a, b, c), _, _ = operands(device, (1, 4, 5, 6), "float32", "rows")
    every_second = Matrix(a.memory, 0, "float32", 1, 2, 2, 0, 5, 2)
    assert library.prepared(every_second, b, c) is None
    repeated = Matrix(a.memory, 0, "float32", 1, 4, 5, 0, 0, 1)
    assert library.prepared(repeated, b, c) is None
    empty = Matrix(a.memory, 0, "float32", 1, 4, 0, 0, 5, 1)
    assert library.prepared(empty, b, c) is None
    cublaslt.knows = False
    assert library.prepared(a, b, c) is None


def test_a_matrix_that_is_broadcast_over_the_stack(cublaslt, device):
    a, left = matrix(device, np.arange(6.0).reshape(1, 2, 3), "float64")
    repeated = Matrix(a.memory, 0, "float64", 4, 2, 3, 0, 3, 1)
    b, right = matrix(device, np.arange(24.0).reshape(4, 3, 2), "float64")
    c, result = matrix(device, np.zeros((4, 2, 2)), "float64")
    made(device).prepared(repeated, b, c)()
    assert np.array_equal(result, left @ right)


def test_a_failure_names_the_library(cublaslt, device, monkeypatch):
    places, _, _ = operands(device, (1, 4, 5, 6), "float32", "rows")

    def fail(*arguments):
        raise cublaslt.cuBLASLtError("CUBLAS_STATUS_EXECUTION_FAILED (13)")

    monkeypatch.setattr(cublaslt, "matmul", fail)
    product = made(device).prepared(*places)
    with pytest.raises(RuntimeError, match=r"cuBLASLt's matrix product failed: CUBLAS_STATUS_EXECUTION_FAILED \(13\)"):
        product()


def test_gradients_of_stacked_models_are_written_between_others(cublaslt, device):
    """Of each model the parameters are one vector; its length decides how the matrices in it are aligned."""
    a, left = matrix(device, np.arange(24.0).reshape(3, 4, 2), "float32")
    b, right = matrix(device, np.arange(30.0).reshape(3, 2, 5), "float32")
    vectors, content = matrix(device, np.full((3, 1, 46), 7.0), "float32")
    result = Matrix(vectors.memory, 0, "float32", 3, 4, 5, 46, 5, 1)
    made(device).prepared(a, b, result)()
    assert np.array_equal(content[:, 0, :20].reshape(3, 4, 5), left @ right)
    assert (content[:, 0, 20:] == 7).all()
    assert cublaslt.asked[0]["MIN_ALIGNMENT_D_BYTES"] == 8  # 46 · 4 bytes from model to model
