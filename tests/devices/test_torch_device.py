"""PyTorch as a device: its memory and products as they are on the CPU, what it has of CUDA replaced by a stand-in."""

import gc
import warnings

import numpy as np
import pytest
import torch

from bpnet_backends.on_cuda.device import Launch
from bpnet_backends.on_torch import device as torch_device
from bpnet_backends.on_torch.device import TorchDevice, tf32, use_tf32
from devices.matrices import LAYOUTS, agree, operands

TEXT = """extern "C" __global__ void add(double* x, double y, long long n)
{
    long long i = blockIdx.x * (long long)blockDim.x + threadIdx.x;
    if (i < n) x[i] += y;
}"""


@pytest.fixture
def device(cuda):
    return TorchDevice("cpu")


def adding(device, x):
    (kernel,) = device.load(TEXT, ["add"])
    return Launch(kernel, (-(-x.numel() // 32), 1), (32, 1), (device.address_of(x), 1.0, x.numel()))


def test_it_selects_its_gpu(device, cuda):
    assert (device.name, device.description) == ("torch", f"a GPU (CUDA {torch.version.cuda})")
    assert cuda.used[0] == "cpu"
    del cuda.used[:]
    device.load(TEXT, ["add"])
    assert cuda.used == ["cpu", "waited"]  # which gives this thread the GPU's context


def test_cuda_without_a_number_is_the_current_gpu(cuda):
    """torch.cuda.set_device takes no device without one."""
    TorchDevice("cuda")
    assert cuda.used[0] == "cuda:0"
    TorchDevice("cuda:1")
    assert cuda.used[-2:] == ["cuda:1", "waited"]


def test_a_tensor_lies_in_its_storage(device):
    x = device.asarray(np.arange(12.0).reshape(3, 4)[::-1], "float64")
    assert x.is_contiguous()
    part = x[1:, 2:]
    memory = device.memory_of(part)
    assert (memory.address, memory.size) == (device.address_of(x), 96)
    again = device.view(memory, 8 * 6, "float64", (2, 2), (32, 8))
    assert torch.equal(again, part)
    again[0, 0] = -1
    assert x[1, 2] == -1
    assert np.array_equal(device.to_numpy(x), x.numpy())


def test_allocated_memory_is_viewed_in_every_type(device):
    memory = device.allocate(64)
    assert memory.size == 64
    for dtype, size in (("float32", 4), ("float64", 8), ("int64", 8), ("bool", 1)):
        x = device.view(memory, 16, dtype, (2, 2), (2 * size, size))
        assert device.address_of(x) == memory.address + 16
        assert str(x.dtype) == f"torch.{dtype}"


def test_it_tells_what_could_still_be_allocated(device):
    assert device.free_memory() == 1000 + 500 - 200


def test_what_is_asked_for_and_what_is_free_is_told(device, monkeypatch):
    def refuse(*arguments, **settings):
        raise torch.cuda.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(torch, "empty", refuse)
    with pytest.raises(MemoryError, match=r"5,000 bytes were asked for, but 1,000 of 2,000 are free on the GPU. Mend:"):
        device.allocate(5000)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(1, 3, 4, 5), (2, 3, 4, 5), (1, 1, 4, 1)])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("precision", ["strict", "tf32"])
def test_products_of_each_layout(cuda, dtype, shape, layout, precision):
    device = TorchDevice("cpu", precision)
    places, result, expected = operands(device, shape, dtype, layout)
    device.product(*places)()
    assert agree(result.numpy(), expected, dtype)


def test_tf32_is_on_for_products_of_float32_alone(cuda, monkeypatch):
    seen = []

    def watched(*arguments, **settings):
        seen.append((torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32))

    monkeypatch.setattr(torch, "mm", watched)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    device = TorchDevice("cpu", "tf32")
    for dtype in ("float32", "float64"):
        places, _, _ = operands(device, (1, 3, 4, 5), dtype, "rows")
        device.product(*places)()
    assert seen == [(True, True), (False, False)]
    with pytest.raises(ZeroDivisionError), tf32(torch):
        _ = 1 / 0
    assert not torch.backends.cuda.matmul.allow_tf32
    assert not torch.backends.cudnn.allow_tf32


@pytest.fixture
def switches():
    """PyTorch's for TF32, put back."""
    before = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32, torch.backends.fp32_precision
    yield torch.backends
    torch.backends.fp32_precision = before[2]
    torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = before[:2]


def test_ieee_is_ieee_whatever_the_switch_above_says_and_both_sets_agree(switches):
    switches.fp32_precision = "tf32"
    for on in (False, True, False):
        use_tf32(torch, on)
        # Reading the older one raises where the two sets were mixed, and torch.compile reads it.
        assert (switches.cuda.matmul.allow_tf32, switches.cudnn.allow_tf32) == (on, on)
        found = [part.fp32_precision for part in (switches.cuda.matmul, switches.cudnn.conv, switches.cudnn.rnn)]
        assert found == ["tf32" if on else "ieee"] * 3


def test_that_there_are_newer_switches_is_no_warning_of_ours(monkeypatch):
    """PyTorch 2.9 warns where the older ones are used."""

    class Warning29:
        def __setattr__(self, name, value):
            warnings.warn("Please use the new API settings to control TF32 behavior", UserWarning, stacklevel=2)

    monkeypatch.setattr(torch.backends.cuda, "matmul", Warning29())
    use_tf32(torch, False)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("stack", [1, 2])
def test_bf16_rounds_what_is_multiplied_and_not_the_sum(cuda, monkeypatch, layout, stack):
    def multiply(left, right, out_dtype, *, out=None):
        assert (left.dtype, right.dtype, out_dtype) == (torch.bfloat16, torch.bfloat16, torch.float32)
        assert out is None or out.is_contiguous()
        product = left.float() @ right.float()
        return product if out is None else out.copy_(product)

    monkeypatch.setattr(torch, "mm" if stack == 1 else "bmm", multiply)
    monkeypatch.setattr(torch_device, "_require_out_dtype", lambda *arguments: None)
    device = TorchDevice("cpu", "bf16")
    places, result, expected = operands(device, (stack, 30, 40, 50), "float32", layout)
    device.product(*places)()
    error = np.linalg.norm(result.numpy() - expected) / np.linalg.norm(expected)
    assert 2**-11 < error < 2**-7  # 8 bits of mantissa, rounded


def test_bf16_needs_products_that_leave_float32(cuda):
    """PyTorch has them on GPUs only, so that the CPU stands for a version without."""
    with pytest.raises(RuntimeError, match=r"'bf16' needs torch.mm with out_dtype.* Mend: install a newer PyTorch"):
        TorchDevice("cpu", "bf16")


def test_a_graph_runs_nothing_while_captured_and_is_replayed_on_the_current_stream(device, cuda, streams):
    x = device.asarray(np.zeros(40), "float64")
    launch = adding(device, x)
    device.launch(launch)
    replay = device.graph(lambda: [device.launch(launch) for _ in range(2)])
    assert torch.equal(x, torch.ones(40, dtype=torch.float64))
    replay()
    assert torch.equal(x, torch.full((40,), 3.0, dtype=torch.float64))
    assert streams.done == [7, 7, 7]
    assert cuda.modes == ["thread_local"]


def test_a_capture_that_fails_is_ended_and_says_why(device, cuda, streams):
    def work():
        raise RuntimeError("operation not permitted when stream is capturing")

    with pytest.raises(RuntimeError, match="operation not permitted when stream is capturing"):
        device.graph(work)
    assert not streams.captured
    assert cuda.current == 7
    # PyTorch's allocator is out of the capture, and the graph that it may still ask is there.
    assert not cuda.pools
    assert len(cuda.released) == 1
    assert len(device._failed) == 1


def test_after_a_capture_that_could_not_begin_another_can(device, cuda):
    cuda.captures = False
    with pytest.raises(RuntimeError, match="operation not permitted"):
        device.graph(lambda: None)
    cuda.captures = True
    device.graph(lambda: None)()


def test_no_garbage_is_collected_while_a_step_is_captured(device):
    """A graph that Python finds then would be destroyed, and the capture with it."""
    seen = []
    device.graph(lambda: seen.append(gc.isenabled()))
    with pytest.raises(ZeroDivisionError):
        device.graph(lambda: 1 / 0)
    assert (seen, gc.isenabled()) == ([False], True)


def test_graphs_that_live_have_streams_of_their_own_which_are_used_again(cuda, driver):
    """The stand-in refuses two living graphs on one stream; PyTorch has 32."""
    first, second = TorchDevice("cpu"), TorchDevice("cpu", "tf32")
    replays = [device.graph(lambda: None) for device in (first, second) for _ in range(20)]
    made = cuda.streams_made
    assert driver.calls.count("cuStreamCreate") == 40 - 32
    del replays
    gc.collect()
    replays = [first.graph(lambda: None) for _ in range(40)]
    assert (len(replays), cuda.streams_made) == (40, made)


def test_a_mistake_in_the_work_is_not_taken_for_a_refusal(device, cuda):
    with pytest.raises(ZeroDivisionError):
        device.graph(lambda: 1 / 0)
    assert cuda.current == 7
