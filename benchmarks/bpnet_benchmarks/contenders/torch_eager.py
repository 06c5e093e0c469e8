"""PyTorch as it is usually written: autograd, one call an operation, the fused Adam."""

from __future__ import annotations

from bpnet_benchmarks.contenders.contender import Run
from bpnet_benchmarks.contenders.torch_net import Torch, TorchRun
from bpnet_benchmarks.problem import Problem


class EagerRun(TorchRun):
    """A step, and the usual loop over a DataLoader."""

    def step(self) -> None:
        """Forward, backward, update."""
        self._optimizer.zero_grad(set_to_none=True)
        self.loss(self.next_rows()).backward()
        self._optimizer.step()

    def fit(self, epochs: int) -> None:
        """A shuffling DataLoader, the accuracy of the epoch, a bar of tqdm."""
        from torch.utils.data import DataLoader, TensorDataset
        from tqdm import tqdm

        functional, device = self._torch.nn.functional, self._device
        data = TensorDataset(self._host_x, self._torch.from_numpy(self._problem.y))
        loader = DataLoader(data, batch_size=self._problem.batch, shuffle=True)
        for epoch in range(epochs):
            total, right = self._torch.zeros((), device=device), self._torch.zeros((), device=device)
            with tqdm(loader, desc=f"epoch {epoch + 1}/{epochs}") as bar:
                for x, y in bar:
                    x, y = x.to(device), y.to(device)
                    self._optimizer.zero_grad(set_to_none=True)
                    z = self._net(x)
                    loss = functional.cross_entropy(z, y)
                    loss.backward()
                    self._optimizer.step()
                    total += loss.detach() * len(y)
                    right += (z.argmax(1) == y).sum()
                rows = self._problem.rows
                bar.set_postfix(loss=total.item() / rows, accuracy=right.item() / rows)


class Eager(Torch):
    """PyTorch without its compiler."""

    modes = ("step", "fit", "predict", "start")

    def prepare(self, problem: Problem) -> Run:
        """A network and its optimizer."""
        return EagerRun(problem, self.device, self.tf32)


CPU = Eager("torch", "cpu")
CUDA = Eager("torch-cuda", "cuda")
CUDA_TF32 = Eager("torch-cuda-tf32", "cuda", tf32=True)
