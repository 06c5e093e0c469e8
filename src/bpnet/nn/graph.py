"""Forward and backward through a graph of layers; a chain is its simplest case.

Forward visits the nodes in an order in which every node follows its inputs; backward visits them in reverse. By the
chain rule the gradient of a value is the sum over its uses of what each use sends back. A node is made of nodes that
are there already and never changes, so a graph has no cycles.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from numbers import Integral
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, TypeAlias

from bpnet.backend import Array
from bpnet.names import distinct

if TYPE_CHECKING:
    from bpnet.nn.layer import Layer

Shape: TypeAlias = tuple[int, ...]
"""The shape of one sample: without the batch axis."""


@dataclass(frozen=True, eq=False, repr=False)
class Node:
    """A layer applied to the values of other nodes; without a layer, an input of the graph."""

    layer: Layer | None
    inputs: tuple[Node, ...]
    shape: Shape
    name: str | None = None
    """An input's own name, where it was given one."""

    def __repr__(self) -> str:
        if self.layer is None:
            return f"Input({self.shape})" if self.name is None else f"Input({self.shape}, name={self.name!r})"
        return f"Node({self.layer.name!r} → {self.shape})"


def Input(shape: Sequence[int], name: str | None = None) -> Node:  # noqa: N802 - the name that everybody knows
    """An input of a graph: arrays of `shape` after the batch axis.

    >>> Input((28, 28, 1)).shape
    (28, 28, 1)
    """
    sizes = tuple(shape) if isinstance(shape, Iterable) else ()
    if not sizes or not all(isinstance(size, Integral) and size >= 1 for size in sizes):
        raise ValueError(f"shape: {shape!r} was given, expected whole numbers from 1, without the batch axis: (64,)")
    if name is not None and not isinstance(name, str):
        raise ValueError(f"name: {name!r} was given, expected text")
    return Node(None, (), tuple(int(size) for size in sizes), name)


@dataclass(frozen=True)
class Tape:
    """What forward saved for backward, a node at a time."""

    saved: list[Any]


class Graph:
    """Nodes in an order in which every node follows its inputs."""

    def __init__(self, inputs: Sequence[Node], outputs: Sequence[Node]) -> None:
        self.inputs = tuple(inputs)
        self.outputs = tuple(outputs)
        self.nodes = _in_order(self.inputs, self.outputs)
        self._sources = [[self.nodes.index(source) for source in node.inputs] for node in self.nodes]
        self._input_slots = [self.nodes.index(node) for node in self.inputs]
        self._output_slots = [self.nodes.index(node) for node in self.outputs]
        self.layers = list({id(node.layer): node.layer for node in self.nodes if node.layer is not None}.values())
        """Each layer once, in the order of its first node."""
        numbers = {id(layer): number for number, layer in enumerate(self.layers)}
        self._numbers = [numbers.get(id(node.layer)) for node in self.nodes]
        self._learns = self._find_learning()

    def forward(
        self, parameters: Sequence[SimpleNamespace], inputs: Sequence[Array], *, train: bool
    ) -> tuple[list[Array], Tape]:
        """The values of the outputs, and the tape that backward reads. `parameters` has one namespace per layer."""
        values: list[Any] = [None] * len(self.nodes)
        saved: list[Any] = [None] * len(self.nodes)
        for slot, x in zip(self._input_slots, inputs, strict=True):
            values[slot] = x
        for slot, number in enumerate(self._numbers):
            if number is not None:
                x = [values[source] for source in self._sources[slot]]
                values[slot], saved[slot] = self.layers[number].forward(parameters[number], *x, train=train)
        return [values[slot] for slot in self._output_slots], Tape(saved)

    def backward(
        self,
        parameters: Sequence[SimpleNamespace],
        tape: Tape,
        doutputs: Sequence[Array],
        gradients: Sequence[SimpleNamespace],
        *,
        need_dinputs: bool = False,
        finished: Callable[[int], None] | None = None,
    ) -> list[Array | None]:
        """Write every parameter's gradient into `gradients`; return the inputs' gradients where they are asked for.

        `finished` is told the number of each layer whose gradients are whole: the last layer comes first.
        """
        dvalues: list[Any] = [None] * len(self.nodes)
        for slot, dy in zip(self._output_slots, doutputs, strict=True):
            dvalues[slot] = dy if dvalues[slot] is None else dvalues[slot] + dy
        seen: set[int] = set()
        for slot in reversed(range(len(self.nodes))):
            number = self._numbers[slot]
            if number is None or dvalues[slot] is None:
                continue  # an input; or neither it nor anything before it learns, and nobody asked
            sources = self._sources[slot]
            need_dx = need_dinputs or any(self._learns[source] for source in sources)
            layer, g = self.layers[number], gradients[number]
            part = _like(layer.xp, g) if number in seen else g
            dx = layer.backward(parameters[number], tape.saved[slot], dvalues[slot], part, need_dx=need_dx)
            if number in seen:
                _add(g, part)
            seen.add(number)
            if finished is not None and number not in self._numbers[:slot]:
                finished(number)
            if dx is None:
                continue
            for source, part in zip(sources, dx, strict=True):
                dvalues[source] = part if dvalues[source] is None else dvalues[source] + part
        return [dvalues[slot] for slot in self._input_slots]

    @property
    def input_names(self) -> list[str]:
        """The inputs' own names; one without is called `input`, numbered where that is taken."""
        own = [node.name for node in self.inputs]
        return distinct("inputs", [name or "input" for name in own], [name is not None for name in own])

    @property
    def heads(self) -> list[Layer]:
        """The layer that makes each output."""
        return [node.layer for node in self.outputs if node.layer is not None]

    @property
    def output_names(self) -> list[str]:
        """Each output is called after its layer; where one layer makes several, the others are numbered."""
        names = [layer.name for layer in self.heads]
        return distinct("outputs", names, [name not in names[:i] for i, name in enumerate(names)])

    def name_of(self, node: Node) -> str:
        """The name of the layer that makes it, or its own if it is an input."""
        return node.layer.name if node.layer else self.input_names[self.inputs.index(node)]

    def uses(self, layer: Layer) -> list[Node]:
        """The nodes at which `layer` is applied."""
        return [node for node in self.nodes if node.layer is layer]

    def readers(self, node: Node) -> list[Node]:
        """The nodes that take the value of `node`."""
        return [reader for reader in self.nodes if node in reader.inputs]

    def ends_in(self, output: Node) -> bool:
        """Is the value of `output` nothing but one output, and made by a layer that stands nowhere else?"""
        alone = not self.readers(output) and self.outputs.count(output) == 1
        return alone and output.layer is not None and len(self.uses(output.layer)) == 1

    def with_linear(self, outputs: Sequence[Node]) -> Graph:
        """The same graph, but these outputs stop before their activation: what losses on logits train.

        The graph `ends_in` each of them, so that the parameters fit both graphs.
        """
        return Graph(self.inputs, [_linear(node) if node in outputs else node for node in self.outputs])

    def _find_learning(self) -> list[bool]:
        """For each node: does it, or anything before it, have parameters?"""
        learns: list[bool] = []
        for node, sources in zip(self.nodes, self._sources, strict=True):
            own = node.layer is not None and bool(node.layer.parameters(*(source.shape for source in node.inputs)))
            learns.append(own or any(learns[source] for source in sources))
        return learns


def _like(xp: Any, g: SimpleNamespace) -> SimpleNamespace:
    """Room for the gradients of another use of a layer."""
    return SimpleNamespace(**{name: xp.empty_like(array) for name, array in vars(g).items()})


def _add(g: SimpleNamespace, part: SimpleNamespace) -> None:
    """The gradient of a parameter is the sum over its layer's uses."""
    for name, array in vars(g).items():
        array[...] = array + getattr(part, name)


def _linear(node: Node) -> Node:
    assert node.layer is not None
    return Node(node.layer.without_activation(), node.inputs, node.shape)


def chain(layers: Sequence[Layer], shape: Sequence[int]) -> Graph:
    """The graph of one branch: each layer applied to the one before."""
    first = node = Input(shape)
    for layer in layers:
        node = layer(node)
    return Graph([first], [node])


def _in_order(inputs: Sequence[Node], outputs: Sequence[Node]) -> tuple[Node, ...]:
    """Inputs first, then depth first from the outputs: every node after what it needs."""
    order: list[Node] = list(inputs)

    def visit(node: Node) -> None:
        if node in order:
            return
        if node.layer is None:
            which = f"Input({node.shape})" + (f" {node.name!r}" if node.name else "")
            raise ValueError(f"inputs: the outputs depend on {which}, which is not among the inputs. Mend: add it")
        for source in node.inputs:
            visit(source)
        order.append(node)

    for node in outputs:
        visit(node)
    return tuple(order)
