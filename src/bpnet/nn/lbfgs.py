"""The settings of L-BFGS, which learns from all samples at once; `training.lbfgs` has the loop.

L-BFGS (Liu and Nocedal 1989) goes along -H g, where H, an approximation of the inverse Hessian, is made of the last
`memory` pairs of steps s = θₖ₊₁ - θₖ and differences y = gₖ₊₁ - gₖ. How far, a line search decides that evaluates the
loss and its gradient until Wolfe's conditions hold; so there is no learning rate, and the loss never rises.
"""

from __future__ import annotations

from bpnet.backend import Array
from bpnet.nn.checks import require_number
from bpnet.nn.network import Network
from bpnet.nn.optimizers import OPTIMIZERS, BoundOptimizer, Optimizer

FTOL = {"float64": 2.220446049250313e-9, "float32": 1.1920928955078125e-7}
"""SciPy's own `ftol`, and one rounding of a loss in float32, below which nothing can be told."""


class LBFGS(Optimizer):
    """L-BFGS of SciPy, `scipy.optimize.minimize(method="L-BFGS-B")`, on the whole data set.

    An epoch of `fit` is one iteration: some passes, in the line search, over all samples as one batch, whose
    activations must fit into memory at once; its figures are those at its end. Training ends early where
    max |g| <= `gtol`, or where the loss falls by no more than `ftol` · max(|loss|, 1), or after `max_fun` evaluations;
    the history's `converged` and `message` say so. Each call of `fit` begins with an empty memory unless it resumes a
    run (see `ModelCheckpoint`), and only L-BFGS itself changes the weights during one.

    SciPy computes on the host in float64: theta and its gradient, in the model's float type, go there and back at each
    evaluation. In float32 the loss has 7 digits, so the run ends sooner (`ftol` is then 1.2e-7 by default, else
    2.2e-9); small losses need a model with dtype="float64". SciPy keeps 2 · memory + 5 vectors like theta.
    Running statistics of batch normalization move once an iteration. ValueError: a layer that is random in training,
    batches, a learning rate.
    """

    def __init__(
        self, *, memory: int = 10, max_fun: int = 15000, gtol: float = 1e-5, ftol: float | None = None
    ) -> None:
        for name, count in (("memory", memory), ("max_fun", max_fun)):
            if not isinstance(count, int) or isinstance(count, bool) or count < 1:
                raise ValueError(f"{name}: {count!r} was given, expected a whole number from 1")
        require_number("gtol", gtol, least=0)
        if ftol is not None:
            require_number("ftol", ftol, least=0)
        self.memory = memory
        self.max_fun = max_fun
        self.gtol = gtol
        self.ftol = ftol

    def bind(self, network: Network) -> BoundLBFGS:
        """The settings for the network's vectors; ValueError where a layer is random in training."""
        for layer in network.graph.layers:
            if layer.is_random:
                raise ValueError(
                    f"layer {layer.name!r}: it is random in training, but LBFGS needs a loss that is the same whenever "
                    "it is evaluated. Mend: leave the layer out, or use another optimizer"
                )
        return BoundLBFGS(self, network)

    def full_batch(self, batch_size: int | None, steps_per_epoch: int | None, samples: int) -> int:
        """The size of its only batch, all samples; ValueError where another was asked for."""
        if batch_size not in (None, samples):
            raise ValueError(
                f"batch_size: {batch_size} was given for {samples} samples, but LBFGS learns from all of them at once. "
                "Mend: leave batch_size out, or use another optimizer"
            )
        if steps_per_epoch is not None:
            raise ValueError(
                f"steps_per_epoch: {steps_per_epoch} was given, but an epoch of LBFGS is one iteration. "
                "Mend: leave steps_per_epoch out, and give the number of iterations as epochs"
            )
        return samples


class BoundLBFGS(BoundOptimizer):
    """The settings for a network in its float type."""

    def __init__(self, settings: LBFGS, network: Network) -> None:
        super().__init__(network)
        self.options: dict[str, float] = {
            "maxcor": settings.memory,
            "maxfun": settings.max_fun,
            "gtol": settings.gtol,
            "ftol": FTOL[network.dtype] if settings.ftol is None else settings.ftol,
        }
        """As SciPy names them."""

    def rate(self) -> Array:
        """ValueError: there is none."""
        raise ValueError("learning_rate: LBFGS has none; its line search finds the length of each step")

    def initial_rate(self) -> Array:
        """ValueError: there is none."""
        return self.rate()

    def set_rate(self, value: float) -> None:
        """ValueError: there is none."""
        self.rate()

    def step(self) -> None:
        """ValueError: one batch and its gradient are not enough."""
        raise ValueError(
            "optimizer: LBFGS learns from all samples at once, not from single batches. "
            "Mend: model.fit(x, y), or another optimizer"
        )


OPTIMIZERS["lbfgs"] = LBFGS
