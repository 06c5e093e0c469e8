"""The fit of a node's cost, the timing, and the tables, on a GPU that is made up."""

import pytest

from bpnet_benchmarks.micro import timing
from bpnet_benchmarks.micro.measures import COUNTS, fitted, nodes_and_launches
from bpnet_benchmarks.microbenchmarks import ceilings, floor, tables
from bpnet_benchmarks.tables import text


class Clock:
    """A device that is 2 µs busy with a launch, and 7 µs + 1.5 µs a node with a graph."""

    versions = {"made-up": "1"}  # noqa: RUF012

    def __init__(self, monkeypatch):
        self.now = 0.0
        self.launched = 0
        monkeypatch.setattr(timing, "perf_counter", lambda: self.now)

    def synchronize(self):
        pass

    def nodes(self):
        def kernel():
            self.launched += 1
            self.now += 2e-6

        def absent():
            raise ImportError("it is not installed")

        return {"empty kernel": lambda: kernel, "product": absent}

    def graph(self, work):
        before = self.launched
        work()
        nodes = self.launched - before

        def replay():
            self.now += 7e-6 + 1.5e-6 * nodes

        return replay

    def event(self):
        return self.now

    def seconds_between(self, first, last):
        return last - first


def test_the_cost_of_a_node_is_the_slope():
    times = {n: {"device": 5e-6 + 1.3e-6 * n, "wall": 8e-6 + 1.4e-6 * n, "launch": 1e-6} for n in COUNTS}
    found = fitted(times)
    assert found["device"]["node"] == pytest.approx(1.3e-6)
    assert found["device"]["graph"] == pytest.approx(5e-6)
    assert found["wall"]["node"] == pytest.approx(1.4e-6)
    assert found["times"]["64"] == times[64]


def test_the_measurements_of_a_gpu(monkeypatch):
    found = nodes_and_launches(Clock(monkeypatch))
    assert found["nodes"]["empty kernel"]["device"]["node"] == pytest.approx(1.5e-6)
    assert found["nodes"]["empty kernel"]["wall"]["graph"] == pytest.approx(7e-6)
    assert found["launches"]["empty kernel"]["launch"] == pytest.approx(2e-6)
    assert found["nodes"]["product"] == {"why_not": "ImportError: it is not installed"}
    printed = text(tables({"torch": found, "cupy": {"why_not": "no CuPy"}}))
    assert "torch empty kernel 1.5 µs 1.5 µs 7 µs 2 µs" in (" ".join(each.split()) for each in printed.splitlines())
    assert "torch, product: ImportError: it is not installed" in printed
    assert "cupy: no CuPy" in printed


def test_ceilings_and_the_floor():
    products = [
        {"precision": "float32", "side": side, "flops": flops} for side, flops in ((4_096, 5e13), (8_192, 4e13))
    ]
    copies = [
        {"copy": "on the device", "bytes": 2**20, "rate": 1e12},
        {"copy": "from pinned memory", "bytes": 1, "rate": 1.0},
    ]
    found = {"torch": {"products": products, "copies": copies}}
    assert ceilings(found) == {"float32": 5e13}
    assert floor(found).copies == [(2**21, 2e12)]  # a byte that is copied is read and written
    assert floor({"torch": {"why_not": "no"}}) is None
