"""PyTorch's tensors and products, on the CPU or an NVIDIA GPU, without autograd."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from bpnet_backends import threads
from bpnet_backends.nvidia import own_gpu, require_driver

if TYPE_CHECKING:
    from bpnet_backends.on_cuda.backend import CudaBackend

INSTALL = "Mend: pip install torch (backends/README.md says which build)"


class TorchBackend:
    """PyTorch on the CPU. Tensors never require a gradient, so nothing is recorded."""

    name = "torch"
    device = "CPU"

    def __init__(self) -> None:
        import array_api_compat.torch as xp
        import torch

        from bpnet_backends.on_torch.ops import KERNELS

        self.xp: Any = xp
        self.kernels: Mapping[str, Callable[..., Any]] = KERNELS
        self._torch = torch
        number = threads.wanted()
        if number is not None:
            torch.set_num_threads(number)

    def asarray(self, x: Any, dtype: str) -> Any:
        """A contiguous tensor of its own memory."""
        import numpy as np

        host = np.array(x, dtype=dtype, order="C")  # PyTorch takes no negative strides, no swapped bytes
        return self._torch.from_numpy(host)

    def to_numpy(self, x: Any) -> Any:
        """A copy."""
        return x.detach().numpy().copy()

    def fuse(self, f: Callable[..., Any]) -> Callable[..., Any]:
        """The formula as written: one kernel an operation."""
        return f

    def capture(self, step: Callable[[], None]) -> Callable[[], None]:
        """The step as written, launched anew each time."""
        return step

    def synchronize(self) -> None:
        """PyTorch has finished when it returns."""


def make(device: str | None = None, precision: str = "strict") -> TorchBackend | CudaBackend:
    """The backend `torch` on `cpu`, `cuda` or `cuda:N`; with no device named, the GPU where there is one.

    `precision` is that of matrix products; other than strict there is on GPUs only.
    """
    if device is not None and not re.fullmatch(r"cpu|cuda(:\d+)?", device):
        raise ValueError(f"device: {device!r} was given, but the torch backend knows 'cpu', 'cuda' and 'cuda:N'")
    if precision != "strict":
        if device == "cpu":
            raise ValueError(
                f"precision: {precision!r} was given, but the torch backend on the CPU knows 'strict' only. "
                "Mend: leave it out, or use a GPU backend (cupy, torch:cuda)"
            )
        device = device or "cuda"
    if device is not None and device != "cpu":
        require_driver()
    try:
        import torch
    except (ImportError, OSError) as error:  # OSError: a library that it links to is missing
        raise ImportError(f"PyTorch cannot be imported ({error}). {INSTALL}") from error
    own = f"cuda:{number}" if (number := own_gpu()) else "cuda"
    if device is None and not torch.cuda.is_available():
        return TorchBackend()
    if device in (None, "cuda"):
        device = own
    if device == "cpu":
        return TorchBackend()
    assert device is not None
    require_cuda(torch, device)
    from bpnet_backends.on_cuda.eager import backend_on
    from bpnet_backends.on_torch.device import TorchDevice, use_tf32
    from bpnet_backends.on_torch.library import kernels

    use_tf32(torch, False)  # PyTorch's convolutions have it on by default
    return backend_on(TorchDevice(device, precision), kernels(precision), precision)


def require_cuda(torch: Any, device: str) -> None:
    """Raise RuntimeError, with the reason and the mend, where PyTorch cannot use `device`."""
    if torch.version.cuda is None:
        raise RuntimeError(f"PyTorch {torch.__version__} was built without CUDA. Mend: install a CUDA build of PyTorch")
    try:
        torch.cuda.init()
    except RuntimeError as error:
        raise RuntimeError(f"PyTorch found no usable GPU ({error}). Mend: check the driver with nvidia-smi") from error
    count = torch.cuda.device_count()
    index = int(device.partition(":")[2] or 0)
    if index >= count:
        raise RuntimeError(
            f"device {device!r} was asked for, but this machine has {count} GPU(s). Mend: count them from cuda:0"
        )
