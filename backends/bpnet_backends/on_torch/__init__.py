"""PyTorch's tensors and products, on the CPU or an NVIDIA GPU, without autograd."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from bpnet_backends import threads
from bpnet_backends.nvidia import require_driver

INSTALL = "Mend: pip install torch (backends/README.md says which build)"


class TorchBackend:
    """PyTorch on one device. Tensors never require a gradient, so nothing is recorded."""

    name = "torch"

    def __init__(self, device: str) -> None:
        import array_api_compat.torch as xp
        import torch

        from bpnet_backends.on_torch.ops import KERNELS

        self.xp: Any = xp
        self.kernels: Mapping[str, Callable[..., Any]] = KERNELS
        self._torch = torch
        self._device = torch.device(device)
        if self._device.type == "cuda":
            use_ieee_float32(torch)
            self.device = f"{torch.cuda.get_device_name(self._device)} (CUDA {torch.version.cuda})"
        else:
            number = threads.wanted()
            if number is not None:
                torch.set_num_threads(number)
            self.device = "CPU"

    def asarray(self, x: Any, dtype: str) -> Any:
        """A contiguous tensor of its own memory on this backend's device."""
        import numpy as np

        host = np.array(x, dtype=dtype, order="C")  # PyTorch takes no negative strides, no swapped bytes
        return self._torch.from_numpy(host).to(self._device)

    def to_numpy(self, x: Any) -> Any:
        """A copy in the host's memory; waits for the device."""
        return x.detach().cpu().numpy().copy()

    def fuse(self, f: Callable[..., Any]) -> Callable[..., Any]:
        """The formula as written: one kernel an operation."""
        return f

    def capture(self, step: Callable[[], None]) -> Callable[[], None]:
        """The step as written, launched anew each time."""
        return step

    def synchronize(self) -> None:
        """Wait until the device has finished what was launched."""
        if self._device.type == "cuda":
            self._torch.cuda.synchronize(self._device)


def use_ieee_float32(torch: Any) -> None:
    """Turn TF32 off for products and convolutions (PyTorch's convolutions have it on by default)."""
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False


def make(device: str | None = None) -> TorchBackend:
    """The backend `torch` on `cpu`, `cuda` or `cuda:N`; with no device named, the GPU where there is one."""
    if device is not None and not re.fullmatch(r"cpu|cuda(:\d+)?", device):
        raise ValueError(f"device: {device!r} was given, but the torch backend knows 'cpu', 'cuda' and 'cuda:N'")
    if device is not None and device != "cpu":
        require_driver()
    try:
        import torch
    except (ImportError, OSError) as error:  # OSError: a library that it links to is missing
        raise ImportError(f"PyTorch cannot be imported ({error}). {INSTALL}") from error
    if device is None:
        device = "cuda" if torch.cuda.is_available() else "cpu"
    elif device != "cpu":
        require_cuda(torch, device)
    return TorchBackend(device)


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
