"""What is minimized: a network, the loss of each of its outputs, and the metrics that are watched."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from bpnet.backend import Array, Backend
from bpnet.nn.activations import ACTIVATIONS, ActivationFunction
from bpnet.nn.graph import Graph, Node
from bpnet.nn.losses import CrossEntropy, Loss, reduce_loss
from bpnet.nn.network import Network
from bpnet.training.terms import Term, loss_names, named_metrics


@dataclass(frozen=True)
class Found:
    """What a batch gave, an output at a time."""

    losses: list[Array]
    """Lₖ, 0-d, not weighted; none where there is one output, whose loss is the total."""
    outputs: list[Array]
    """zₖ, (N, …): logits where the activation is part of the loss."""


@dataclass
class Objective:
    """L(θ) = Σₖ wₖ Lₖ + penalty, over the outputs k of a network; its gradient, and the metrics.

    Where the last activation of an output is the one whose outputs its loss takes (softmax or sigmoid before its
    cross-entropy), the network runs without it and the loss takes logits: the same function, and stable for all
    logits below 1e38. x and y hold an array for each input and each output.
    """

    network: Network
    terms: Sequence[Term]
    fused: list[bool] = field(init=False)
    """For each output: is its last activation part of the loss?"""
    is_mean: bool = field(init=False)
    """True where the losses are means over the samples, False where they are sums."""
    graph: Graph = field(init=False)
    """What is run: the network's own graph, or its twin without the activations that are part of a loss."""
    _at_work: list[_TermAtWork] = field(init=False)

    def __post_init__(self) -> None:
        graph = self.network.graph
        self._at_work = [_TermAtWork(self.network, *pair) for pair in zip(self.terms, graph.outputs, strict=True)]
        self.fused = [term.fused for term in self._at_work]
        linear = [node for node, fused in zip(graph.outputs, self.fused, strict=True) if fused]
        self.graph = self.network.with_linear(linear) if linear else graph
        self.is_mean = self.terms[0].loss.reduction == "mean"
        self.loss_names = loss_names(self.terms)
        self.metrics = named_metrics(self.terms)

    def value_and_gradient(
        self, x: Sequence[Array], y: Sequence[Array], weight: Array | None
    ) -> tuple[Array, Array | float, Found]:
        """Forward and backward: the gradient of L goes to `network.grad`.

        Returns the loss Σ wₖ Lₖ (0-d), the penalty (0-d, or 0.0 where there is none), and what it was made of.
        """
        value, found = self.gradient(x, y, weight, int(x[0].shape[0]))
        self.network.add_penalty_gradient()
        return value, self.network.penalty(), found

    def gradient(
        self,
        x: Sequence[Array],
        y: Sequence[Array],
        weight: Array | None,
        samples: int,
        finished: Callable[[int], None] | None = None,
    ) -> tuple[Array, Found]:
        """The same without the penalty, for a batch of `samples` samples, of which x may hold a part.

        `finished` is told as in `Graph.backward`.
        """
        outputs, tape = self.network.forward(x, train=True, graph=self.graph)
        losses, gradients = self.compare(y, outputs, weight, samples)
        self.network.backward(tape, gradients, graph=self.graph, finished=finished)
        return self.total(losses, outputs)

    def value(
        self, x: Sequence[Array], y: Sequence[Array], weight: Array | None, *, train: bool = False
    ) -> tuple[Array, Found]:
        """L without the penalty (0-d), and what it was made of; nothing is written."""
        outputs, _ = self.network.forward(x, train=train, graph=self.graph)
        losses, _ = self.compare(y, outputs, weight, int(x[0].shape[0]))
        return self.total(losses, outputs)

    def metric_sums(self, y: Sequence[Array], z: Sequence[Array], weight: Array | None) -> list[tuple[Array, ...]]:
        """The sums over the batch of each of `metrics`; z are the outputs that were found."""
        triples = zip(self._at_work, y, z, strict=True)
        return [sums for term, its_y, its_z in triples for sums in term.metric_sums(its_y, its_z, weight)]

    def compare(
        self, y: Sequence[Array], outputs: Sequence[Array], weight: Array | None, samples: int
    ) -> tuple[list[Array], list[Array]]:
        """For each output Lₖ and wₖ dLₖ/dzₖ."""
        triples = zip(self._at_work, y, outputs, strict=True)
        losses, gradients = zip(*(term.loss(its_y, z, weight, samples) for term, its_y, z in triples), strict=True)
        return list(losses), list(gradients)

    def total(self, losses: list[Array], outputs: list[Array]) -> tuple[Array, Found]:
        """Σ wₖ Lₖ, and what it was made of."""
        pairs = zip(self.terms, losses, strict=True)
        total, *others = (_times(self.network.backend, term.weight, loss) for term, loss in pairs)
        for other in others:
            total = total + other
        return total, Found(losses if others else [], outputs)


class _TermAtWork:
    """One term of the objective on the network's backend."""

    def __init__(self, network: Network, term: Term, node: Node) -> None:
        loss, last = term.loss, node.layer.activation if node.layer else None
        self._term = term
        self._backend = network.backend
        self._head = None
        self.fused = False
        if isinstance(loss, CrossEntropy):
            head = ACTIVATIONS[str(loss.head)]
            self.fused = not loss.from_logits and last == head and network.graph.ends_in(node)
            if self.fused or loss.from_logits:
                loss = loss.on_logits()
                self._head = head.bind(self._backend)
        self._per_sample = loss.bind(self._backend)

    def loss(self, y: Array, z: Array, weight: Array | None, samples: int) -> tuple[Array, Array]:
        """L (0-d), and w dL/dz, of a batch of `samples`."""
        losses, dz = self._per_sample(y, z)
        scale = 1.0 / samples if self._term.loss.reduction == "mean" else 1.0
        value, dz = reduce_loss(self._backend, losses, dz, weight, scale)
        return value, _times(self._backend, self._term.weight, dz)

    def metric_sums(self, y: Array, z: Array, weight: Array | None) -> list[tuple[Array, ...]]:
        """Each metric's sums over the batch; of logits, probabilities are formed where one needs them."""
        metrics, p = self._term.metrics, z
        if self._head is not None and not all(metric.takes_logits for metric in metrics):
            p, _ = self._head.forward(z)
        return [metric.sums(self._backend.xp, y, p, weight) for metric in metrics]


def _times(backend: Backend, weight: float, x: Array) -> Array:
    """w x: x itself where w is 1, as in the usual step, and 0 where w is 0, whatever x is."""
    if weight == 1.0:
        return x
    return weight * x if weight else backend.xp.zeros_like(x)


def check_head(loss: Loss, activation: ActivationFunction | None, what: str = "loss") -> None:
    """ValueError where a cross-entropy is told the wrong thing about the last activation before it; `what` is its name.

    -Σ y log p is a cross-entropy only of outputs that sum to 1: sigmoids would learn to be 1 everywhere. An activation
    of the user's own is taken to be what the loss expects.
    """
    if not isinstance(loss, CrossEntropy) or activation not in (None, *ACTIVATIONS.values()):
        return
    name, last = type(loss).__name__, activation.name if activation else "linear"
    fitting = ("softmax", "sigmoid") if loss.head == "sigmoid" else ("softmax",)
    if loss.from_logits and last in ("softmax", "sigmoid"):
        raise ValueError(
            f"{what}: {name}(from_logits=True) was given, but the last activation is {last!r}, which makes "
            "probabilities. Mend: leave from_logits out; such a model is trained on its logits anyway"
        )
    if not loss.from_logits and last not in fitting:
        raise ValueError(
            f"{what}: {name} takes probabilities, but the last activation is {last!r}. "
            f"Mend: end the model with {loss.head!r}, or use {name}(from_logits=True)"
        )
