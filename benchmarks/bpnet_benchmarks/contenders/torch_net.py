"""What the PyTorch contenders share: the network, the data and the optimizer on a device."""

from __future__ import annotations

import warnings
from importlib.metadata import version
from typing import Any

import numpy as np

from bpnet.backend import make
from bpnet_benchmarks.contenders.contender import TF32_SLACK, Contender, Run, reason
from bpnet_benchmarks.contenders.torch_layers import channels_first, network, weights_of
from bpnet_benchmarks.problem import Problem
from bpnet_benchmarks.reference import BETA_1, BETA_2, EPSILON, RATE


class TorchRun(Run):
    """nn.Sequential at the first weights, with the data on `device`; `step` is the subclass's."""

    def __init__(self, problem: Problem, device: str, tf32: bool = False) -> None:
        import torch

        use_precision(torch, tf32)
        self._problem = problem
        self._torch = torch
        self._device = torch.device(device)
        self._format = torch.channels_last if device == "cpu" else torch.contiguous_format
        net = network(torch, problem.workload, problem.weights)
        self._net = net.to(self._device, memory_format=self._format)
        self._host_x = torch.from_numpy(self.laid_out(problem.x))
        self._x = self._host_x.to(self._device)
        self._y = torch.from_numpy(problem.y).to(self._device)
        self._order = torch.from_numpy(problem.order).to(self._device)
        self._optimizer = self._adam()
        self._next = 0

    def loss(self, rows: Any) -> Any:
        """The mean cross-entropy of the samples `rows`, gathered from the data."""
        z = self._net(self._x.index_select(0, rows))
        return self._torch.nn.functional.cross_entropy(z, self._y.index_select(0, rows))

    def next_rows(self) -> Any:
        """The indices of the next batch."""
        rows = self._order[self._next : self._next + self._problem.batch]
        self._next = (self._next + self._problem.batch) % self._problem.rows
        return rows

    def synchronize(self) -> None:
        """Wait for a GPU; on the CPU every call returns when it is done."""
        if self._device.type == "cuda":
            self._torch.cuda.synchronize(self._device)

    def weights(self) -> list[np.ndarray]:
        """Copies."""
        return weights_of(self._net, self._problem.workload)

    def laid_out(self, x: np.ndarray) -> np.ndarray:
        """Images channels first; in memory as they are on the CPU, where that is faster, and contiguous on a GPU."""
        x = channels_first(x)
        return x if self._format is self._torch.channels_last else np.ascontiguousarray(x)

    def predict(self, x: np.ndarray) -> np.ndarray:
        """The network without autograd, then softmax."""
        with self._torch.inference_mode():
            z = self._net(self._torch.from_numpy(x).to(self._device))
            probabilities: np.ndarray = z.softmax(1).cpu().numpy()
        return probabilities

    def _adam(self, **settings: Any) -> Any:
        """Its Adam is the paper's: ε is added to √v̂, outside the bias correction."""
        betas = (BETA_1, BETA_2)
        parameters = self._net.parameters()
        return self._torch.optim.Adam(parameters, lr=RATE, betas=betas, eps=EPSILON, fused=True, **settings)


def use_precision(torch: Any, tf32: bool) -> None:
    """IEEE float32 in products and convolutions, or TF32; and cuDNN times its algorithms before it chooses one.

    Of PyTorch's two sets of switches the older one, which sets the newer as well; its compiler reads either.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of PyTorch 2.9, that there are newer ones
        torch.set_float32_matmul_precision("high" if tf32 else "highest")
        torch.backends.cudnn.allow_tf32 = tf32
    torch.backends.cudnn.benchmark = True


class Torch(Contender):
    """PyTorch on a device."""

    def __init__(self, name: str, device: str, *, tf32: bool = False) -> None:
        self.name = name
        self.device = device
        self.on_gpu = device != "cpu"
        self.tf32 = tf32
        self.slack = TF32_SLACK if tf32 else 1.0

    def why_not(self) -> str | None:
        """There is no GPU for it; on the CPU what bpnet's own backend says, which also sets the threads."""
        return reason(_require_cuda if self.on_gpu else lambda: make(f"torch:{self.device}"))

    def versions(self) -> dict[str, str]:
        """PyTorch's."""
        return {"torch": version("torch")}


def _require_cuda() -> None:
    import torch

    if not torch.cuda.is_available():
        raise RuntimeError(f"PyTorch {torch.__version__} finds no NVIDIA GPU. Mend: see bpnet doctor")
