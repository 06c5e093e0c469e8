"""What a model says of its layers and of its size."""

import numpy as np

from bpnet import Add, BatchNormalization, Dense, Input, Model, Sequential


def test_a_chain_has_its_layers_before_it_is_built():
    first, second = Dense(3), Dense(2)
    model = Sequential([first, second], backend="numpy")
    assert model.layers == [first, second]
    model.layers.append(Dense(1))  # a copy: `add` is what appends
    assert model.layers == [first, second]
    model.predict(np.ones((1, 4)))
    assert model.layers == [first, second]
    assert model.count_params() == 4 * 3 + 3 + 3 * 2 + 2


def test_a_graph_has_each_layer_once():
    x, shared, normal, add = Input((4,)), Dense(4), BatchNormalization(), Add()
    model = Model(x, add([normal(shared(shared(x))), x]), backend="numpy")
    assert model.layers == [shared, normal, add]
    assert model.count_params() == 4 * 4 + 4 + 4 + 4  # the running statistics are no parameters
