"""Which stream NCCL follows for CuPy's arrays, and which groups can be used: with stand-ins for both libraries."""

import sys
from types import SimpleNamespace

import pytest
import torch

from bpnet.distributed.over_torch import OverTorch


class OfCuPy:
    """Stands for CuPy's array on GPU 1."""

    def __init__(self):
        self.tensor = torch.ones(3)
        self.device = SimpleNamespace(id=1)

    def __dlpack_device__(self):
        return 2, 1


class Cuda:
    """torch.cuda: streams are pairs of a GPU and a pointer, and there is no external stream 0."""

    def __init__(self):
        self.gpu, self.stream_of = 0, {0: "default 0", 1: "default 1"}

    def current_device(self):
        return self.gpu

    def set_device(self, gpu):
        self.gpu = gpu

    def default_stream(self, gpu):
        return gpu, f"default {gpu}"

    def ExternalStream(self, pointer, device):  # noqa: N802
        return device, f"external {pointer}" if pointer else "a new one"

    def stream(self, stream):
        return Following(self, *stream)


class Following:
    """torch.cuda.StreamContext, which may be entered again. Leaving it makes the GPU of the stream before current."""

    def __init__(self, cuda, gpu, name):
        self.cuda, self.gpu, self.name = cuda, gpu, name

    def __enter__(self):
        self.before = self.cuda.gpu, self.cuda.stream_of[self.gpu]
        self.cuda.gpu, self.cuda.stream_of[self.gpu] = self.gpu, self.name

    def __exit__(self, *error):
        self.cuda.gpu, self.cuda.stream_of[self.gpu] = self.before


class Group:
    """torch.distributed with a group of two, the other of which has zeros; notes where sums were asked for."""

    def __init__(self, cuda, config="cpu:gloo,cuda:nccl"):
        self.cuda, self.config, self.asked = cuda, config, []

    def get_rank(self):
        return 0

    def get_world_size(self):
        return 2

    def get_backend_config(self):
        return self.config

    def all_reduce(self, tensor, async_op=False):
        self.asked.append((self.cuda.gpu, self.cuda.stream_of[self.cuda.gpu]))
        return SimpleNamespace(wait=lambda: self.asked.append((self.cuda.gpu, self.cuda.stream_of[self.cuda.gpu])))


@pytest.mark.parametrize(("pointer", "stream"), [(0, "default 1"), (2, "external 2"), (4711, "external 4711")])
def test_nccl_follows_the_stream_that_cupy_works_on(monkeypatch, pointer, stream):
    cuda = Cuda()
    group = Group(cuda)
    cupy = SimpleNamespace(cuda=SimpleNamespace(get_current_stream=lambda: SimpleNamespace(ptr=pointer)))
    monkeypatch.setitem(sys.modules, "cupy", cupy)
    ranks = OverTorch(group, own=False)
    ranks._torch = SimpleNamespace(Tensor=torch.Tensor, cuda=cuda, from_dlpack=lambda array: array.tensor)
    ranks.all_reduce(OfCuPy())
    ranks.begin_all_reduce(OfCuPy()).wait()
    assert group.asked == [(1, stream)] * 3
    assert cuda.gpu == 1  # CuPy's


def test_a_process_group_for_gpus_only_is_refused():
    with pytest.raises(ValueError, match=r"cuda:nccl, takes no arrays .* Mend: init_process_group"):
        OverTorch(Group(Cuda(), "cuda:nccl"), own=False)
