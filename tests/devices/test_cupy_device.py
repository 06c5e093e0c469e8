"""CuPy as a device, on a stand-in: memory, launches, products, and graphs with what may go wrong in them."""

import sys

import numpy as np
import pytest

from bpnet_backends.on_cuda.device import Launch, Matrix
from bpnet_backends.on_cupy.device import CuPyDevice
from devices.fake_cupy import CUDARuntimeError
from devices.matrices import LAYOUTS, agree, operands

TEXT = """extern "C" __global__ void add(double* x, double y, long long n)
{
    long long i = blockIdx.x * (long long)blockDim.x + threadIdx.x;
    if (i < n) x[i] += y;
}"""


@pytest.fixture
def device(cupy, cublaslt):
    return CuPyDevice(1)


def adding(device, x, y=1.0):
    """A launch that adds y to each element of x."""
    (kernel,) = device.load(TEXT, ["add"])
    return Launch(kernel, (-(-x.size // 32), 1), (32, 1), (device.address_of(x), y, x.size))


def test_it_is_the_gpu_that_was_named(device, cupy):
    assert (device.name, device.description, cupy.used) == ("cupy", "GPU number 1 (CUDA 12.9)", 1)
    cupy.used = -1
    device.load(TEXT, ["add"])
    assert cupy.used == 1  # another thread's first launch goes to it too
    cupy.used = -1
    device.graph(lambda: None)
    assert cupy.used == 1  # a stream is of the GPU that is the current one, and can be used on no other


def test_an_array_lies_in_its_chunk(device):
    x = device.asarray(np.arange(12.0).reshape(3, 4), "float64")
    part = x[1:, 2:]
    memory = device.memory_of(part)
    assert (memory.address, memory.size) == (device.address_of(x), 96)
    assert device.address_of(part) == memory.address + 8 * 6
    again = device.view(memory, 8 * 6, "float64", (2, 2), (32, 8))
    assert np.array_equal(again, part)
    again[0, 0] = -1
    assert x[1, 2] == -1


def test_memory_of_the_private_pool_is_viewed(device, cupy):
    memory = device.allocate(64)
    assert memory.size == 64
    assert memory.owner is cupy.pools[0].given[0]
    x = device.view(memory, 16, "float32", (2, 3), (12, 4))
    x[...] = 1
    assert device.address_of(x) == memory.address + 16
    assert device.memory_of(x).address == memory.address


def test_it_tells_what_could_still_be_allocated(device, cupy):
    """What earlier steps left in our pool is given back first: CuPy's own could not have it."""
    (pool,) = cupy.pools
    assert device.free_memory() == (1 << 34) + 100
    assert pool.emptied == 1


def test_what_is_asked_for_and_what_is_free_is_told(device, cupy):
    cupy.capacity = 1000
    with pytest.raises(MemoryError, match=r"2,000 bytes were asked for, but 1,000 of 17,179,869,184 are free.* Mend:"):
        device.allocate(2000)
    assert cupy.freed == 1  # CuPy's own pool was emptied before it gave up


def test_a_graph_runs_nothing_while_captured_and_is_replayed_on_the_current_stream(device, cupy, streams):
    x = device.asarray(np.zeros(40), "float64")
    launch = adding(device, x)
    replay = device.graph(lambda: [device.launch(launch) for _ in range(2)])
    assert not x.any()
    replay()
    with cupy.cuda.Stream() as _:
        other = cupy.current[-1].ptr
        replay()
    assert np.array_equal(x, np.full(40, 4.0))
    assert streams.done == [0, 0, other, other]
    assert (cupy.graphs, cupy.replays) == (1, 2)
    assert len(cupy.current) == 1


@pytest.mark.parametrize("error", [RuntimeError("no such kernel"), MemoryError("too large")])
def test_a_capture_that_fails_is_ended_and_says_why(device, cupy, streams, error):
    def work():
        raise error

    with pytest.raises(RuntimeError, match=f"{type(error).__name__}: {error}"):
        device.graph(work)
    assert not streams.captured
    assert len(cupy.current) == 1
    x = device.asarray(np.zeros(3), "float64")
    device.launch(adding(device, x))
    assert x.tolist() == [1, 1, 1]


def test_a_capture_that_has_become_invalid_gives_its_first_reason(device, streams):
    def work():
        (noted,) = streams.captured.values()
        noted.append(None)
        raise CUDARuntimeError("cudaErrorStreamCaptureUnsupported")

    with pytest.raises(RuntimeError, match="cudaErrorStreamCaptureUnsupported"):
        device.graph(work)
    assert not streams.captured


def test_a_mistake_in_the_work_is_not_taken_for_a_refusal(device, streams):
    with pytest.raises(ZeroDivisionError):
        device.graph(lambda: 1 / 0)
    assert not streams.captured


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(1, 2, 3, 4), (1, 40, 50, 60), (2, 40, 50, 60)])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_products_of_each_layout_also_in_a_graph(device, cublaslt, dtype, shape, layout):
    places, result, expected = operands(device, shape, dtype, layout)
    product = device.product(*places)
    product()
    assert agree(result, expected, dtype)
    assert bool(cublaslt.calls) == (np.prod(shape) > 2**15)
    replay = device.graph(product)
    result[...] = np.nan
    replay()
    assert agree(result, expected, dtype)


def test_an_unusual_layout_is_our_kernels(device, cublaslt):
    places, _, _ = operands(device, (1, 40, 50, 60), "float64", "rows")
    a = places[0]
    every_second = Matrix(a.memory, 0, "float64", 1, 20, 25, 0, 100, 2)
    b = Matrix(places[1].memory, 0, "float64", 1, 25, 60, 0, 60, 1)
    c = Matrix(places[2].memory, 0, "float64", 1, 20, 60, 0, 60, 1)
    device.product(every_second, b, c)()
    left, right, result = (
        device.view(matrix.memory, 0, "float64", (matrix.rows, matrix.columns), (8 * matrix.down, 8 * matrix.along))
        for matrix in (every_second, b, c)
    )
    assert agree(result, left @ right, "float64")


def test_a_cublaslt_that_does_not_start_is_none(cupy, cublaslt):
    """nvmath's error is no RuntimeError."""
    cublaslt.starts = False
    places, result, expected = operands(CuPyDevice(0), (1, 40, 50, 60), "float32", "rows")
    with pytest.warns(RuntimeWarning, match=r"cuBLASLt cannot be used \(cublasLtCreate failed: .*NOT_INITIALIZED"):
        CuPyDevice(0).product(*places)()
    assert agree(result, expected, "float32")


def test_without_cublaslt_it_warns_once_and_uses_our_kernels(cupy, monkeypatch):
    monkeypatch.setitem(sys.modules, "nvmath", None)
    monkeypatch.setitem(sys.modules, "nvmath.bindings", None)
    device = CuPyDevice(0, "tf32")
    places, result, expected = operands(device, (1, 40, 50, 60), "float32", "rows")
    with pytest.warns(
        RuntimeWarning, match=r"cuBLASLt cannot be used.* instead of tf32. Mend: pip install nvmath-python"
    ):
        product = device.product(*places)
    product()
    assert agree(result, expected, "float32")
    device.product(*places)
