"""Contenders that a benchmark must not take at their word."""

from bpnet_benchmarks.contenders.contender import Contender
from bpnet_benchmarks.contenders.on_bpnet import Bpnet


class Hasty(Bpnet):
    """Leaves one step out."""

    def prepare(self, problem):
        run = super().prepare(problem)
        honest, left = run.step, [1]

        def step():
            if left:
                left.pop()
            else:
                honest()

        run.step = step
        return run


class Absent(Contender):
    name = "absent"

    def why_not(self):
        return "the library of nowhere is not installed"

    def versions(self):
        return {}

    def prepare(self, problem):
        raise AssertionError("it was prepared")


class Crashing(Bpnet):
    def prepare(self, problem):
        raise ZeroDivisionError("the sky fell down")


HASTY = Hasty("hasty", "numpy")
ABSENT = Absent()
CRASHING = Crashing("crashing", "numpy")
