"""A step taken apart layer by layer, for backends that do not tell what it is made of.

One step is made as it is written, and what is asked of each layer is kept, so that it can be asked again, alone. FLOP
are those of products: with w of O outputs and z = x w of so many elements, forward 2 z |w| / O, as much for dw, and as
much for dx where it is needed. Bytes are those of what goes into the part and comes out of it: what an operation within
a layer hands to the next one is not seen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from copy import copy
from functools import partial
from math import prod
from types import SimpleNamespace
from typing import Any

from bpnet.backend import Array
from bpnet.nn.embedding import Embedding
from bpnet.nn.layer import Layer
from bpnet.nn.network import Network
from bpnet.profiling.parts import Piece
from bpnet.profiling.step import OneStep
from bpnet.training.step import count


def by_layer(step: OneStep) -> list[Piece]:
    """The parts of the step, which is made once, in their order."""
    step.rewind()
    network, objective, optimizer, rows = step.network, step.objective, step.optimizer, step.batch_size
    found: list[Piece] = []

    def part(op: str, shape: tuple[int, ...], arrays: Iterable[Array], run: Callable[[], Any]) -> Any:
        result = run()
        found.append(Piece(op, shape, _bytes(arrays), 0, run))
        return result

    indices = step.data.order[:rows]
    x, y, weight = step.take()
    batch = [array for array in (*x, *y, weight) if array is not None]
    found.append(Piece("gather the batch", tuple(x[0].shape), _bytes([indices, *batch, *batch]), 0, step.take))

    graph = copy(objective.graph)
    graph.layers = [_heard(layer, found) for layer in graph.layers]
    outputs, tape = network.forward(x, train=True, graph=graph)
    shape, compared = tuple(outputs[0].shape), [*y, *outputs]
    losses, gradients = part("loss", shape, [*compared, *outputs], lambda: objective.compare(y, outputs, weight, rows))
    network.backward(tape, gradients, graph=graph)

    theta, grad = network.theta, network.grad
    if network.penalties:
        part("penalty", tuple(theta.shape), [theta, theta, grad, grad], lambda: _penalty(network))
    changed = [theta, *optimizer.vectors()]
    part(f"optimizer {step.optimizer_name}", tuple(theta.shape), [grad, *changed, *changed], optimizer.step)
    value, of = objective.total(losses, outputs)
    learned = value, network.penalty(), of
    add_up = partial(count, step.totals, objective, y, weight, learned, rows, rows)
    part("losses and metrics", shape, compared, add_up)
    return found


def _penalty(network: Network) -> Array | float:
    network.add_penalty_gradient()
    return network.penalty()


def _heard(layer: Layer, found: list[Piece]) -> Any:
    """Something to call in place of the layer, which adds a part to `found` for whatever is asked of the layer."""
    kind = type(layer).__name__

    def forward(p: SimpleNamespace, *x: Array, train: bool) -> Any:
        y, saved = layer.forward(p, *x, train=train)
        shape, flop = tuple(y.shape), _products(layer, p, y)
        moved = _bytes([*x, *_parameters(p), y])
        found.append(Piece(f"forward {kind}", shape, moved, flop, partial(layer.forward, p, *x, train=train)))
        return y, saved

    def backward(p: SimpleNamespace, saved: Any, dy: Array, g: SimpleNamespace, *, need_dx: bool) -> Any:
        dx = layer.backward(p, saved, dy, g, need_dx=need_dx)
        flop = _products(layer, p, dy) * (2 if need_dx else 1)
        moved = _bytes([*_arrays_in(saved), *_parameters(p), dy, *vars(g).values(), *(dx or ())])
        run = partial(layer.backward, p, saved, dy, g, need_dx=need_dx)
        found.append(Piece(f"backward {kind}", tuple(dy.shape), moved, flop, run))
        return dx

    return SimpleNamespace(forward=forward, backward=backward, xp=layer.xp)


def _products(layer: Layer, p: SimpleNamespace, z: Array) -> int:
    """FLOP of z = x w, or of z = x ∗ w."""
    w = getattr(p, "w", None)
    if w is None or isinstance(layer, Embedding):
        return 0
    outputs = z.shape[-1]
    return int(2 * prod(z.shape) * (prod(w.shape) // outputs))


def _parameters(p: SimpleNamespace) -> list[Array]:
    return [array for name, array in vars(p).items() if name != "key"]


def _bytes(arrays: Iterable[Any]) -> int:
    """Of each array once for every time that it is named."""
    return sum(prod(array.shape) * _item(array) for array in arrays if array is not None)


def _item(array: Array) -> int:
    """Bytes of one element, told by the name of its type, which every library has."""
    name = str(array.dtype).rpartition(".")[2]
    return 1 if name == "bool" else int("".join(filter(str.isdigit, name))) // 8


def _arrays_in(x: Any) -> Iterator[Array]:
    """All arrays within nested tuples and lists."""
    if isinstance(x, tuple | list):
        for each in x:
            yield from _arrays_in(each)
    elif hasattr(x, "shape") and hasattr(x, "dtype"):
        yield x
