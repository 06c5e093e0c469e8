"""Stand-ins for NVIDIA's libraries."""

import sys
from types import ModuleType

import pytest

from devices.fake_cublaslt import FakeCublasLt


@pytest.fixture
def cublaslt(monkeypatch):
    """nvmath's cuBLASLt, on the CPU."""
    fake = FakeCublasLt()
    bindings = ModuleType("nvmath.bindings")
    bindings.cublasLt = fake
    bindings.cublas = ModuleType("nvmath.bindings.cublas")
    bindings.cublas.ComputeType = fake.compute_types
    monkeypatch.setitem(sys.modules, "nvmath", ModuleType("nvmath"))
    monkeypatch.setitem(sys.modules, "nvmath.bindings", bindings)
    return fake
