"""The chain rule gate by gate: f = (x y + max(z, w)) · 2, at x = 3, y = -4, z = 2, w = -1.

An add gate hands its gradient to both inputs, a max gate routes it to the larger, a multiply gate swaps its inputs.
Backward from df/df = 1: the multiply gate by 2 gives 2 to the sum; the add gate hands 2 to the product and to the
maximum; the product gives 2y to x and 2x to y; the maximum gives 2 to z, the larger, and 0 to w.
"""

from __future__ import annotations

from types import SimpleNamespace

from bpnet.backend import float_dtype, load
from bpnet.nn.gradient_check import relative_distance
from bpnet.nn.graph import Graph, Input
from bpnet.nn.merging import Add, Maximum, Multiply
from bpnet.recipes.recipe import NOTHING, Measured, Options, Outcome

POINT = {"x": 3.0, "y": -4.0, "z": 2.0, "w": -1.0, "two": 2.0}
BY_HAND = {"x": -8.0, "y": 6.0, "z": 2.0, "w": 0.0, "two": -10.0}
EPSILON = 2.0**-10
"""f is a polynomial between kinks: this power of two makes its differences exact in float32 too."""


def circuit() -> Graph:
    """The gates are layers, and the circuit is a graph of them with five inputs."""
    x, y, z, w, two = (Input((1,)) for _ in POINT)
    product = Multiply(name="x*y")(x, y)
    larger = Maximum(name="max(z,w)")(z, w)
    total = Add(name="x*y+max(z,w)")(product, larger)
    return Graph([x, y, z, w, two], [Multiply(name="f")(total, two)])


def run(options: Options) -> Outcome:
    """Backward through the gates, against the figures by hand and against central differences."""
    options.refuse(epochs=NOTHING, batch_size=NOTHING, sizes=NOTHING, data=NOTHING)
    backend, dtype = load(options.backend), float_dtype(options.dtype)
    graph = circuit()
    for layer in graph.layers:
        layer.bind(backend)
    none = [SimpleNamespace() for _ in graph.layers]

    def f(point: dict[str, float]) -> float:
        (value,), _ = graph.forward(none, [backend.asarray([[v]], dtype) for v in point.values()], train=True)
        return float(backend.to_numpy(value)[0, 0])

    _, tape = graph.forward(none, [backend.asarray([[v]], dtype) for v in POINT.values()], train=True)
    parts = graph.backward(none, tape, [backend.asarray([[1.0]], dtype)], none, need_dinputs=True)
    gradient = dict(zip(POINT, (float(backend.to_numpy(part)[0, 0]) for part in parts), strict=True))
    numeric = {
        name: (f({**POINT, name: value + EPSILON}) - f({**POINT, name: value - EPSILON})) / (2 * EPSILON)
        for name, value in POINT.items()
    }
    rows = [f"f = {f(POINT):g}", f"{'input':<6} {'value':>6} {'df/d':>6} {'by hand':>8} {'difference quotient':>20}"]
    for name, value in POINT.items():
        rows.append(f"{name:<6} {value:>6g} {gradient[name]:>6g} {BY_HAND[name]:>8g} {numeric[name]:>20.9g}")
    return Outcome(
        [
            Measured("relative distance to the figures by hand", _distance(gradient, BY_HAND), most=0.0),
            Measured("relative distance to central differences", _distance(gradient, numeric), most=1e-7),
        ],
        text="\n".join(rows),
    )


def _distance(a: dict[str, float], b: dict[str, float]) -> float:
    return relative_distance(list(a.values()), [b[name] for name in a])
