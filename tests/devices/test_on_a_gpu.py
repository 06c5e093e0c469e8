"""The two real devices, where there is a GPU: kernels, products in every layout, graphs, memory, and a whole run."""

import numpy as np
import pytest

from backends_here import backend_named
from bpnet.backend import load
from bpnet.recipes import Options, recipe
from bpnet_backends.on_cuda.device import Launch, Matrix
from devices.matrices import LAYOUTS, agree, operands

pytestmark = pytest.mark.gpu

TEXT = """extern "C" __global__ void add(double* x, double y, long long n)
{
    long long i = blockIdx.x * (long long)blockDim.x + threadIdx.x;
    if (i < n) x[i] += y;
}"""

TWO_ROUNDINGS = {"tf32": 2e-3, "bf16": 2e-2}
"""10 and 7 bits of mantissa: two factors, each rounded by half a unit in the last place, or cut off by one."""


def made(spec, precision="strict"):
    """The device of a backend."""
    if spec == "cupy":
        from bpnet_backends.on_cupy.device import CuPyDevice

        return CuPyDevice(0, precision)
    from bpnet_backends.on_torch.device import TorchDevice

    return TorchDevice("cuda", precision)


@pytest.fixture(params=["cupy", "torch:cuda"])
def spec(request):
    backend_named(request.param)  # skips, with the reason, where it cannot run
    return request.param


@pytest.fixture
def device(spec):
    return made(spec)


def adding(device, x, elements, y=1.0):
    (kernel,) = device.load(TEXT, ["add"])
    return Launch(kernel, (-(-elements // 128), 1), (128, 1), (device.address_of(x), y, elements))


def test_a_kernel_is_compiled_loaded_and_launched(device):
    x = device.asarray(np.arange(1000.0), "float64")
    device.launch(adding(device, x, 1000, 0.5))
    assert np.array_equal(device.to_numpy(x), np.arange(1000.0) + 0.5)


def test_memory_and_views(device):
    x = device.asarray(np.arange(12.0).reshape(3, 4), "float64")
    memory = device.memory_of(x[1:, 2:])
    assert memory.address <= device.address_of(x)
    assert memory.address + memory.size >= device.address_of(x) + 96
    offset = device.address_of(x) - memory.address + 48
    assert device.to_numpy(device.view(memory, offset, "float64", (2, 2), (32, 8))).tolist() == [[6, 7], [10, 11]]
    own = device.allocate(1000)
    assert own.address % 256 == 0
    device.view(own, 0, "float32", (250,), (4,))[...] = device.asarray(np.ones(250), "float32")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "shape", [(1, 3, 5, 7), (1, 64, 128, 96), (3, 65, 33, 40), (1, 16, 900, 10), (1, 1, 300, 300), (1, 300, 300, 1)]
)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_products_of_each_layout_also_in_a_graph(device, dtype, shape, layout):
    places, result, expected = operands(device, shape, dtype, layout)
    product = device.product(*places)
    product()
    first = device.to_numpy(result)
    assert agree(first, expected, dtype)
    replay = device.graph(product)
    result[...] = device.asarray(np.full(first.shape, np.nan), dtype)
    replay()
    assert np.array_equal(device.to_numpy(result), first)  # the same bits each time


@pytest.mark.parametrize("precision", ["tf32", "bf16"])
def test_fewer_bits_are_fewer_and_enough(spec, precision):
    device = made(spec, precision)
    places, result, expected = operands(device, (1, 128, 256, 128), "float32", "rows")
    device.product(*places)()
    error = np.linalg.norm(device.to_numpy(result) - expected) / np.linalg.norm(expected)
    assert 1e-5 < error < TWO_ROUNDINGS[precision]
    assert agree_after_strict(made(spec))


def agree_after_strict(device):
    """A strict product is strict, whatever was asked for before."""
    places, result, expected = operands(device, (1, 128, 256, 128), "float32", "rows")
    device.product(*places)()
    return agree(device.to_numpy(result), expected, "float32")


def test_every_second_element_is_a_matrix_too(device):
    (a, b, c), result, _ = operands(device, (1, 40, 60, 50), "float64", "rows")
    thin = Matrix(a.memory, a.offset, "float64", 1, 40, 30, 0, 60, 2)
    short = Matrix(b.memory, b.offset, "float64", 1, 30, 50, 0, 50, 1)
    device.product(thin, short, c)()
    left = device.to_numpy(device.view(a.memory, a.offset, "float64", (40, 30), (480, 16)))
    right = device.to_numpy(device.view(b.memory, b.offset, "float64", (30, 50), (400, 8)))
    assert agree(device.to_numpy(result)[0], left @ right, "float64")


def test_a_graph_is_replayed_in_order_with_what_stands_around_it(device):
    x = device.asarray(np.zeros(1000), "float64")
    launch = adding(device, x, 1000)
    replay = device.graph(lambda: [device.launch(launch) for _ in range(3)])
    device.synchronize()
    assert not device.to_numpy(x).any()
    for times in range(1, 4):
        replay()
        device.launch(launch)
        assert np.array_equal(device.to_numpy(x), np.full(1000, 4.0 * times))


def test_what_cannot_be_captured_is_refused_and_leaves_the_device_in_order(device):
    x = device.asarray(np.zeros(10), "float64")
    with pytest.raises(RuntimeError):
        device.graph(lambda: device.to_numpy(x))
    device.launch(adding(device, x, 10))
    assert device.to_numpy(x).tolist() == [1] * 10


def test_more_memory_than_there_is(device):
    with pytest.raises(MemoryError, match=r"bytes were asked for, but [\d,]+ of [\d,]+ are free on the GPU. Mend:"):
        device.allocate(1 << 50)
    device.allocate(1 << 10)


def test_digits_as_on_numpy(spec):
    losses = {}
    for each in (spec, "numpy"):
        outcome = recipe("digits").run(Options(load(each), "float32", epochs=2))
        losses[each] = outcome.model.history.history["loss"]
    assert np.allclose(losses[spec], losses["numpy"], rtol=1e-4)  # the tier of float32 for whole runs
