"""Recipes run with one seed, in functions that another process can import."""

from bpnet.recipes import Options, Outcome, recipe


def run(name: str, seed: int, epochs: int | None = None) -> Outcome:
    """The recipe on NumPy."""
    return recipe(name).run(Options(backend="numpy", seed=seed, epochs=epochs))


def holds(name: str, epochs: int | None, seed: int) -> bool:
    """Does every figure keep its bounds?"""
    return run(name, seed, epochs).holds


def figures(name: str, seed: int) -> list[float]:
    """The figures it ends with."""
    return [measured.value for measured in run(name, seed).measured]
