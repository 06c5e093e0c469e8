"""The matrix products of a step and nothing else, with NumPy: below this no NumPy step can get."""

from __future__ import annotations

from importlib.metadata import version

import numpy as np

from bpnet_benchmarks.contenders.contender import Contender, Run
from bpnet_benchmarks.problem import Problem


class ProductsRun(Run):
    """h w for every layer, hᵀ dz for every layer, dz wᵀ for all but the first; into arrays that exist before."""

    def __init__(self, problem: Problem) -> None:
        rng = np.random.default_rng(0)
        self._weights = problem.weights
        ws = problem.weights[0::2]
        h = problem.x[: problem.batch]
        self._forward, self._backward = [], []
        for i, w in enumerate(ws):
            z = np.empty((problem.batch, w.shape[1]), np.float32)
            dz = rng.standard_normal(z.shape, dtype=np.float32)
            dh = np.empty_like(h) if i else None
            self._forward.append((h, w, z))
            self._backward.append((h.T, dz, np.empty_like(w), w.T, dh))
            h = rng.standard_normal(z.shape, dtype=np.float32)

    def step(self) -> None:
        """The products, forward and backward."""
        for h, w, z in self._forward:
            np.matmul(h, w, out=z)
        for h_transposed, dz, dw, w_transposed, dh in reversed(self._backward):
            np.matmul(h_transposed, dz, out=dw)
            if dh is not None:
                np.matmul(dz, w_transposed, out=dh)

    def synchronize(self) -> None:
        """NumPy returns when it is done."""

    def weights(self) -> list[np.ndarray]:
        """The first weights: nothing is learned."""
        return self._weights


class Products(Contender):
    """The floor, as a contender."""

    name = "products"
    modes = ("step",)
    is_judged = False
    no_images = "it multiplies the matrices of dense layers alone"

    def why_not(self) -> str | None:
        """None: NumPy is always there."""
        return None

    def versions(self) -> dict[str, str]:
        """NumPy's."""
        return {"numpy": version("numpy")}

    def prepare(self, problem: Problem) -> Run:
        """The arrays."""
        return ProductsRun(problem)


PRODUCTS = Products()
