"""The examples in docstrings give what they say."""

import doctest
from importlib import import_module
from pathlib import Path

import pytest

import bpnet

ROOT = Path(bpnet.__file__).parent
MODULES = [
    ".".join(("bpnet", *path.relative_to(ROOT).with_suffix("").parts)).removesuffix(".__init__")
    for path in sorted(ROOT.rglob("*.py"))
    if ">>> " in path.read_text(encoding="utf-8")
]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module(name):
    result = doctest.testmod(import_module(name))
    assert result.attempted
    assert not result.failed  # what failed is printed


def test_what_users_meet_first_has_an_example():
    for thing in (bpnet.Sequential, bpnet.Model, bpnet.Model.fit, bpnet.Dense, bpnet.Conv2D, bpnet.Adam, bpnet.Input):
        assert ">>> " in thing.__doc__, thing.__qualname__
