"""`gradient_check(model, x, y)`: are the model's hand-written derivatives right?"""

from __future__ import annotations

from typing import Any

import numpy as np

from bpnet.data import samples
from bpnet.data.arrays import whole_number
from bpnet.data.random import generator
from bpnet.models import Model
from bpnet.nn.gradient_check import EPSILON, LIMIT, GradientReport, compare
from bpnet.nn.network import Network
from bpnet.training.objective import Objective


def gradient_check(
    model: Model,
    x: Any,
    y: Any,
    *,
    sample_weight: Any = None,
    elements: int | None = None,
    epsilon: float = EPSILON,
    limit: float = LIMIT,
) -> GradientReport:
    """Compare the gradient of the loss, penalty included, with (L(θ+ε) - L(θ-ε)) / 2ε, a parameter at a time.

    Runs in float64 on the model's backend, at its present weights, and changes nothing of the model. `elements` bounds
    how many elements of each parameter are checked, chosen at random; None checks all. Print the report for a table;
    `report.worst` names the worst parameter, `report.ok` is True where every distance is within `limit`.

    >>> from bpnet import Dense, Sequential
    >>> model = Sequential([Dense(5, "tanh", input_dim=3), Dense(1)])
    >>> model.compile("sgd", "mse")
    >>> gradient_check(model, np.eye(3), np.arange(3)).ok
    True
    """
    if elements is not None:
        whole_number("elements", elements)
    data = samples.checked(model.expected(x), x, y, sample_weight)
    backend = model.backend
    network = Network(model.network.graph, backend, "float64", lambda *_: generator(0))
    network.theta[...] = backend.asarray(backend.to_numpy(model.network.theta), "float64")
    objective = Objective(network, model.terms)
    batch = model.put(data, "float64")

    state = backend.asarray(backend.to_numpy(model.network.state), "float64")

    def begin() -> None:
        """The running statistics and the random numbers of each evaluation are those of the model."""
        network.state[...] = state
        network.keys[...] = model.network.keys

    begin()
    objective.value_and_gradient(*batch)
    gradient = backend.to_numpy(network.grad).tolist()

    def loss_at() -> float:
        begin()
        value, _ = objective.value(*batch, train=True)
        return float(backend.to_numpy(value + network.penalty()))

    draw = generator(model.seed, "gradient_check")
    places = []
    for place in sorted(network.layout.places, key=lambda place: place.layer):
        indices = np.arange(place.start, place.stop)
        if elements is not None and elements < len(indices):
            indices = np.sort(draw.choice(indices, elements, replace=False))
        places.append((network.graph.layers[place.layer].name, place.parameter.name, indices.tolist()))
    return compare(loss_at, network.theta, gradient, places, epsilon=epsilon, limit=limit)
