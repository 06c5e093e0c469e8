"""NVRTC compiles without a GPU: machine code, its cache, and errors that show the lines."""

import sys

import pytest

from bpnet_backends.on_cuda import compiler
from bpnet_backends.on_cuda.compiler import compiled, obstacle
from bpnet_backends.on_cuda.own_products import TYPES, text

TEXT = """extern "C" __global__ void twice(float* x, long long n)
{
    long long i = blockIdx.x * (long long)blockDim.x + threadIdx.x;
    if (i < n) x[i] *= FACTOR;
}"""
pytestmark = pytest.mark.skipif(sys.platform == "darwin", reason="NVRTC: there is none for macOS")
GOOD = TEXT.replace("FACTOR", "2.0f")


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path):
    monkeypatch.setenv("BPNET_CACHE", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("architecture", [80, 90])
def test_a_cubin_for_a_gpu_that_it_knows(architecture):
    code = compiled(GOOD, architecture)
    assert code.startswith(b"\x7fELF")
    assert b"twice" in code


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("tile", [32, 64])
def test_our_matrix_products(dtype, tile):
    assert f"product_{dtype}_{tile}".encode() in compiled(text(dtype, tile), 90)


def test_ptx_for_a_gpu_that_is_newer():
    code = compiled(GOOD, 990)
    assert b".target sm_" in code
    assert b"fma" not in compiled(GOOD.replace("*= 2.0f", "= x[i] * 2.0f + 1.0f"), 990)


def test_a_gpu_that_is_too_old_is_told_so():
    with pytest.raises(RuntimeError, match=r"compute capability 3.5, but NVRTC 1\d\.\d compiles for .* newer. Mend:"):
        compiled(GOOD, 35)


def test_it_is_kept_by_text_and_architecture(cache, monkeypatch):
    first = compiled(GOOD, 90)
    (kept,) = cache.iterdir()
    monkeypatch.setattr(compiler, "_compiled", lambda text, options: b"anew")
    assert compiled(GOOD, 90) == first
    assert compiled(GOOD, 80) == b"anew"
    assert compiled(GOOD + "\n", 90) == b"anew"
    kept.write_bytes(kept.read_bytes()[:-1])
    assert compiled(GOOD, 90) == b"anew"


def test_an_error_shows_the_log_and_the_lines():
    with pytest.raises(RuntimeError) as caught:
        compiled(TEXT, 90)
    told = str(caught.value)
    assert "NVRTC_ERROR_COMPILATION, --gpu-architecture=sm_90 --std=c++17 --fmad=false" in told
    assert 'kernels.cu(4): error: identifier "FACTOR" is undefined' in told
    assert ">    4     if (i < n) x[i] *= FACTOR;\n     5 }" in told
    assert "     1 " not in told


def test_what_stands_in_the_way(monkeypatch):
    assert obstacle() is None

    def missing():
        raise ImportError("the package cuda-bindings cannot be imported. Mend: none")

    monkeypatch.setattr(compiler, "_nvrtc", missing)
    assert obstacle() == "the package cuda-bindings cannot be imported. Mend: none"
