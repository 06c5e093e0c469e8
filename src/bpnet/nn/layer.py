"""What a layer is: shapes, parameters, and a pair of formulas, forward and backward."""

from __future__ import annotations

import copy
import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from bpnet.backend import Array, Backend
from bpnet.constructor import Written, equal
from bpnet.nn.activations import ACTIVATIONS, Linear
from bpnet.nn.graph import Node, Shape
from bpnet.nn.initializers import INITIALIZERS
from bpnet.nn.parameters import Parameter
from bpnet.nn.regularizers import REGULARIZERS, Regularizer

if TYPE_CHECKING:
    from bpnet.nn.activations import ActivationFunction, BoundActivation


class Layer(Written, ABC):
    """A differentiable function of arrays with a leading batch axis.

    What backward needs is returned by `forward`, never kept on the layer, so nothing goes stale.
    """

    backend: Backend
    activation: ActivationFunction | None = None
    """The elementwise or softmax function that the layer ends with, where it has one."""
    _f: BoundActivation
    """The activation on the backend."""

    is_random: bool = False
    """Does it draw numbers? `p.key` is then the key of its stream."""

    mixes_samples: bool = False
    """In training, does what becomes of a sample depend on the others of its batch?"""

    table_rows: int | None = None
    """Where its input names rows of a table, by whole numbers from 0, how many rows that has."""

    def __init__(self, name: str | None = None) -> None:
        if name is not None and not isinstance(name, str):
            raise ValueError(f"name: {name!r} was given, expected text")
        self.name = name or re.sub(r"(?<=[a-z])(?=[A-Z])", "_", type(self).__name__).lower()
        self.is_named = name is not None
        self.has_place = False  # in no model yet

    @property
    def trainable(self) -> bool:
        """True: a layer cannot be frozen yet, and setting this to False is an error."""
        return True

    @trainable.setter
    def trainable(self, value: bool) -> None:
        if not value:
            raise ValueError(f"layer {self.name!r}: trainable=False was given, but layers cannot be frozen yet")

    @property
    def xp(self) -> Any:
        """The backend's array namespace."""
        return self.backend.xp

    def bind(self, backend: Backend) -> None:
        """Take the backend, and make the activation's formulas for it, `_f`."""
        before = self.__dict__.get("backend", backend)
        if (before.name, before.device) != (backend.name, backend.device):
            raise ValueError(f"layer {self.name!r} is in use on {before.name}; make a new one for {backend.name}")
        self.backend = backend
        if self.activation is not None:
            self._f = self.activation.bind(backend)

    def __getstate__(self) -> dict[str, Any]:
        """Settings only: a layer pickles, and is bound to a backend when a model is built of it."""
        return {key: value for key, value in self.__dict__.items() if key not in ("backend", "_f")}

    def as_given(self, name: str, default: Any) -> Any:
        """Activations, initializers and regularizers by name, where they have one; (1, 1) as a default of 1."""
        if name == "name":
            return self.name if self.is_named else default
        value = super().as_given(name, default)
        if type(default) is int and _is_made_of(default, value):
            return default
        words = _words(value)
        return value if not words else default if default in words else words[0]

    @abstractmethod
    def output_shape(self, *inputs: Shape) -> Shape:
        """The shape of the output without the batch axis; ValueError where the inputs do not fit."""

    def parameters(self, *inputs: Shape) -> Sequence[Parameter]:
        """The trainable arrays, given the shapes of the inputs without the batch axis."""
        return ()

    def state(self, *inputs: Shape) -> Sequence[Parameter]:
        """What training moves without a gradient, like running statistics; it joins the parameters in `p`."""
        return ()

    def penalty(self) -> tuple[float, float]:
        """The L1 and L2 coefficients of the weights."""
        return 0.0, 0.0

    @abstractmethod
    def forward(self, p: SimpleNamespace, *x: Array, train: bool) -> tuple[Array, Any]:
        """Return y, and what backward will need."""

    @abstractmethod
    def backward(
        self, p: SimpleNamespace, saved: Any, dy: Array, g: SimpleNamespace, *, need_dx: bool
    ) -> tuple[Array, ...] | None:
        """Write the gradients of the parameters into `g`; return dx, one for each input, or None if nobody needs it."""

    def without_activation(self) -> Layer:
        """The layer up to its activation: the same parameters, linear output."""
        from bpnet.nn.activations import activation

        twin = copy.copy(self)
        twin.activation = activation("linear")
        return twin

    def __call__(self, *inputs: Node | Sequence[Node]) -> Node:
        """The node of a graph where this layer is applied to `inputs`, which may stand in one list as in Keras."""
        given = inputs[0] if len(inputs) == 1 and isinstance(inputs[0], list | tuple) else inputs
        nodes = tuple(node for node in given if isinstance(node, Node))
        if len(nodes) < len(given) or not nodes:
            kinds = ", ".join(type(node).__name__ for node in given) or "nothing"
            raise TypeError(
                f"layer {self.name!r}: it was called with {kinds}, expected nodes: what Input(shape) or another layer "
                "returned. Mend: numbers go through a model: Model(inputs, outputs).predict(x)"
            )
        return Node(self, nodes, self.output_shape(*(node.shape for node in nodes)))


def _is_made_of(size: int, value: Any) -> bool:
    """Is it that number, or a tuple of nothing else?"""
    if isinstance(value, tuple):
        return bool(value) and all(_is_made_of(size, part) for part in value)
    return equal(value, size)


def _words(value: Any) -> list[str | None]:
    """What a user may write for an activation, an initializer or a regularizer; None where it may be left out."""
    known: list[tuple[str | None, Any]] = [
        *ACTIVATIONS.items(),
        *INITIALIZERS.items(),
        *REGULARIZERS.items(),
        (None, Linear()),
        (None, Regularizer()),
    ]
    return [word for word, thing in known if type(thing) is type(value) and equal(thing, value)]
