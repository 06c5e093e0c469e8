"""The emulator keeps to what CUDA promises, and tells what a GPU would do silently."""

from __future__ import annotations

import numpy as np
import pytest

from bpnet_backends.on_cuda.device import Launch, Matrix
from emulator.device import EmulatedDevice

REVERSED = """
extern "C" __global__ void __launch_bounds__(64) reversed(const float* x, float* y) {
    __shared__ float kept[64];
    kept[threadIdx.x] = x[blockIdx.x * 64 + threadIdx.x];
    __syncthreads();
    y[blockIdx.x * 64 + threadIdx.x] = kept[63 - threadIdx.x];
}
"""
SUMMED = """
__device__ __forceinline__ float summed(float value) {
    for (int apart = 16; apart > 0; apart /= 2) value += __shfl_down_sync(0xffffffffu, value, apart);
    return value;
}
extern "C" __global__ void sums(const float* x, float* y, long long n, double scale) {
    __shared__ float of_warp[32];
    float value = 0.0f;
    for (long long i = threadIdx.x; i < n; i += blockDim.x) value += x[blockIdx.y * n + i];
    value = summed(value);
    if (threadIdx.x % 32 == 0) of_warp[threadIdx.x / 32] = value;
    __syncthreads();
    if (threadIdx.x < 32) {
        value = summed(threadIdx.x < blockDim.x / 32 ? of_warp[threadIdx.x] : 0.0f);
        if (threadIdx.x == 0) y[blockIdx.y] = value * (float)scale;
    }
}
"""
EXCHANGED = """
extern "C" __global__ void exchanged(long long* y) {
    int i = threadIdx.x;
    y[i] = __shfl_xor_sync(0xffffffffu, i, 5);
    y[i + 64] = __shfl_up_sync(0xffffffffu, i, 3);
    y[i + 128] = __shfl_sync(0xffffffffu, i, 7);
    y[i + 192] = __shfl_down_sync(0xffffffffu, i, 1, 8);
}
"""
HALF = """
extern "C" __global__ void half_waits(float* y) {
    if (threadIdx.x < 16)
        __syncthreads();
    y[threadIdx.x] = 1.0f;
}
"""
TWO_LINES = """
extern "C" __global__ void two_lines(float* y) {
    if (threadIdx.x < 32) __syncthreads();
    else
        __syncthreads();
}
"""
UNWRITTEN = """
extern "C" __global__ void unwritten(float* y) {
    __shared__ float kept[32];
    y[blockIdx.x] = kept[0];
    kept[0] = 1.0f;
}
"""
BEYOND = 'extern "C" __global__ void beyond(float* y, long long at) { y[at] = 1.0f; }'
RACE = 'extern "C" __global__ void race(float* y) { y[0] = (float)threadIdx.x; }'
FORMULAS = """
extern "C" __global__ void formulas(const float* x, float* y) {
    int i = threadIdx.x;
    float v = x[i];
    y[i] = i == 0 ? exp(v) : i == 1 ? tanhf(v) : i == 2 ? fmaxf(v, 2.0f) : i == 3 ? max(v, 3.0f) : i == 4 ? rsqrtf(v)
         : i == 5 ? __int_as_float(__float_as_int(v)) : i == 6 ? (isnan(v) ? 1.0f : 0.0f) : powf(v, 3.0f);
}
"""


def launched(device: EmulatedDevice, text: str, name: str, grid: tuple, block: tuple, *arguments: object) -> None:
    (kernel,) = device.load(text, [name])
    words = tuple(device.address_of(a) if isinstance(a, np.ndarray) else a for a in arguments)
    device.launch(Launch(kernel, grid, block, words))


@pytest.fixture(params=[False, True], ids=["forwards", "backwards"])
def device(request: pytest.FixtureRequest) -> EmulatedDevice:
    return EmulatedDevice(backwards=request.param)


def test_a_barrier_lets_threads_read_what_others_wrote(device: EmulatedDevice) -> None:
    x = device.asarray(np.arange(192), "float32")
    y = device.asarray(np.zeros(192), "float32")
    launched(device, REVERSED, "reversed", (3, 1), (64, 1), x, y)
    np.testing.assert_array_equal(y, x.reshape(3, 64)[:, ::-1].ravel())


@pytest.mark.parametrize("threads", [32, 128, 1024])
def test_shuffles_and_shared_memory_add_up(device: EmulatedDevice, threads: int) -> None:
    x = device.asarray(np.arange(2 * 500).reshape(2, 500), "float32")
    y = device.asarray(np.zeros(2), "float32")
    launched(device, SUMMED, "sums", (1, 2), (threads, 1), x, y, 500, 0.5)
    np.testing.assert_array_equal(y, x.sum(axis=1) / 2)  # exact: whole numbers below 2²⁴


def test_shuffles_take_from_the_lane_that_cuda_says(device: EmulatedDevice) -> None:
    y = device.asarray(np.zeros(256), "int64")
    launched(device, EXCHANGED, "exchanged", (1, 1), (64, 1), y)
    i = np.arange(64)
    np.testing.assert_array_equal(y[:64], i ^ 5)
    np.testing.assert_array_equal(y[64:128], np.where(i % 32 < 3, i, i - 3))
    np.testing.assert_array_equal(y[128:192], i // 32 * 32 + 7)
    np.testing.assert_array_equal(y[192:], np.where(i % 8 == 7, i, i + 1))


@pytest.mark.parametrize(("text", "name", "said"), [
    (HALF, "half_waits", "thread 0 waits in line 4 of the text, thread 31 ended"),
    (TWO_LINES, "two_lines", "waits in line 3 of the text, thread 63 waits in line 5"),
])  # fmt: skip
def test_a_barrier_that_not_all_reach_is_an_error(device: EmulatedDevice, text: str, name: str, said: str) -> None:
    y = device.asarray(np.zeros(64), "float32")
    with pytest.raises(RuntimeError, match=said):
        launched(device, text, name, (1, 1), (32 if name == "half_waits" else 64, 1), y)


def test_shared_memory_begins_unwritten_in_each_block(device: EmulatedDevice) -> None:
    y = device.asarray(np.zeros(2), "float32")
    launched(device, UNWRITTEN, "unwritten", (2, 1), (1, 1), y)
    assert np.isnan(y).all()


@pytest.mark.parametrize("at", [-1, 4])
def test_a_write_beyond_an_allocation_is_found(device: EmulatedDevice, at: int) -> None:
    y = device.asarray(np.zeros(4), "float32")
    with pytest.raises(AssertionError, match="outside of an allocation of 16 bytes"):
        launched(device, BEYOND, "beyond", (1, 1), (1, 1), y, at)


def test_the_order_of_threads_can_be_turned_round() -> None:
    found = []
    for backwards in (False, True):
        device = EmulatedDevice(backwards=backwards)
        y = device.asarray(np.zeros(1), "float32")
        launched(device, RACE, "race", (1, 1), (8, 1), y)
        found.append(float(y[0]))
    assert found == [7.0, 0.0]


@pytest.mark.parametrize("block", [(1025, 1), (64, 17), (0, 1)])
def test_a_block_that_no_gpu_takes_is_refused(device: EmulatedDevice, block: tuple) -> None:
    y = device.asarray(np.zeros(1), "float32")
    with pytest.raises(RuntimeError, match="which no GPU takes"):
        launched(device, RACE, "race", (1, 1), block, y)


@pytest.mark.parametrize("arguments", [(), (1, 2), (1.0,)])
def test_wrong_arguments_are_refused(device: EmulatedDevice, arguments: tuple) -> None:
    with pytest.raises(RuntimeError, match="expected p"):
        launched(device, RACE, "race", (1, 1), (1, 1), *arguments)


def test_the_functions_of_cuda_are_there(device: EmulatedDevice) -> None:
    x = device.asarray([1, 0.5, 1, 1, 4, 7, np.nan, 2], "float32")
    y = device.asarray(np.zeros(8), "float32")
    launched(device, FORMULAS, "formulas", (1, 1), (8, 1), x, y)
    np.testing.assert_allclose(y, [np.e, np.tanh(0.5), 2, 3, 0.5, 7, 1, 8], rtol=2e-7)  # 2 units in the last place


def test_what_does_not_compile_is_told_in_lines_of_the_text(device: EmulatedDevice) -> None:
    with pytest.raises(RuntimeError, match=r"kernels\.cu:2:.*error"):
        device.load('extern "C" __global__ void wrong() {\n    missing();\n}', ["wrong"])


def test_a_graph_replays_what_was_launched_and_runs_nothing_when_captured() -> None:
    device = EmulatedDevice()
    x, y = device.asarray(np.arange(64), "float32"), device.asarray(np.zeros(64), "float32")
    calls = []

    def work() -> None:
        calls.append(1)
        launched(device, REVERSED, "reversed", (1, 1), (64, 1), x, y)

    (kernel,) = device.load(REVERSED, ["reversed"])
    arguments = device.address_of(x), device.address_of(y)
    replay = device.graph(lambda: (calls.append(1), device.launch(Launch(kernel, (1, 1), (64, 1), arguments))))
    assert not y.any()
    for _ in range(2):
        x += 1
        replay()
        np.testing.assert_array_equal(y, x[::-1])
    assert (len(calls), device.counts.launches, device.counts.graphs, device.counts.replays) == (1, 2, 1, 2)
    with pytest.raises(RuntimeError, match="load was called while a graph is captured"):
        device.graph(work)
    device.synchronize()  # the failed capture has ended


def test_products_are_of_places_in_memory() -> None:
    device = EmulatedDevice()
    draw = np.random.default_rng(0)
    a, b = device.asarray(draw.normal(size=(3, 4)), "float64"), device.asarray(draw.normal(size=(2, 3, 5)), "float64")
    memory = device.allocate(8 * 2 * 4 * 5 + 16)
    transposed = Matrix(device.memory_of(a), 0, "float64", 2, 4, 3, 0, 1, 4)
    right = Matrix(device.memory_of(b), 0, "float64", 2, 3, 5, 15, 5, 1)
    product = device.product(transposed, right, Matrix(memory, 16, "float64", 2, 4, 5, 20, 5, 1))
    y = device.view(memory, 16, "float64", (2, 4, 5), (160, 40, 8))
    assert np.isnan(y).all()
    replay = device.graph(product)
    assert np.isnan(y).all()
    replay()
    np.testing.assert_allclose(y, a.T @ b, rtol=1e-14)


def test_memory_is_aligned_counted_and_given_back() -> None:
    device = EmulatedDevice(capacity=1000)
    memory = device.allocate(600)
    assert memory.address % 256 == 0
    assert device.memory_of(device.view(memory, 8, "float32", (2,), (4,))[1:]).address == memory.address
    with pytest.raises(MemoryError, match="500 bytes were asked of the GPU, which has 400 left"):
        device.allocate(500)
    del memory
    device.allocate(500)
    with pytest.raises(TypeError, match="float64 was given"):
        device.memory_of(np.float64(1))
