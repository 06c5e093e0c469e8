"""One training step against the batch size, on every backend that runs here."""

import numpy as np
import pytest

from bpnet import Adam, Dense, Input, Sequential
from bpnet.backend import make
from bpnet.data.samples import Samples
from bpnet.nn.op import zeros
from bpnet.training.step import DeviceData, training_step
from bpnet.training.totals import Totals

ROWS = 65_536


@pytest.mark.parametrize("batch_size", [1, 32, 256, 2_048, 16_384, 65_536])
@pytest.mark.parametrize("spec", ["numpy", "torch:cpu", "cupy", "torch:cuda"])
def test_step(benchmark, spec, batch_size):
    """64-128-10, relu, softmax cross-entropy, Adam, float32."""
    try:
        backend = make(spec)
    except (ImportError, RuntimeError) as error:
        pytest.skip(f"{spec}: {error}")
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(ROWS, 64)).astype(np.float32), rng.integers(0, 10, ROWS)
    model = Sequential([Input((64,)), Dense(128, "relu"), Dense(10, "softmax")], backend=backend, dtype="float32")
    model.compile(Adam(), "sparse_categorical_crossentropy")
    objective, optimizer = model.bind()
    data = DeviceData.put(backend, *model.put(Samples(x, y, None)), ROWS)
    totals = Totals(backend, [])
    step = backend.capture(training_step(objective, optimizer, data, totals, batch_size))
    start = zeros(backend, (), "int64")

    def run():
        data.cursor[...] = start
        step()
        backend.synchronize()

    run()
    benchmark.extra_info["samples_per_step"] = batch_size
    benchmark(run)
