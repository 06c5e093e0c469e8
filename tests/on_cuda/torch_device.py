"""A device without kernels: PyTorch's tensors on the CPU, as those on a GPU in all but their place."""

from __future__ import annotations

from typing import Any

import array_api_compat.torch
import numpy as np
import torch

from bpnet_backends.on_cuda.device import Memory
from on_cuda.numpy_device import NumPyDevice


class TorchOnCPU(NumPyDevice):
    name = "wrapped-torch"
    xp: Any = array_api_compat.torch

    def asarray(self, x: Any, dtype: str) -> Any:
        return torch.from_numpy(np.array(x, dtype=dtype, order="C"))

    def to_numpy(self, x: Any) -> Any:
        return x.numpy().copy()

    def memory_of(self, array: Any) -> Memory:
        storage = array.untyped_storage()
        return Memory(storage, storage.data_ptr(), storage.nbytes())

    def address_of(self, array: Any) -> int:
        address: int = array.data_ptr()
        return address
