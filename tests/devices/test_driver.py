"""Modules and launches: which calls of CUDA's driver are made, with what, and what its errors become."""

import numpy as np
import pytest

from bpnet_backends.on_cuda.device import Launch
from bpnet_backends.on_cuda.driver import Module, launch, packed
from devices.fake_cuda import CUresult

TEXT = """extern "C" __global__ void scale(const double* x, double* y, double by, long long n)
{
    long long i = blockIdx.x * (long long)blockDim.x + threadIdx.x;
    if (i < n) y[i] = by * x[i];
}"""


def test_arguments_are_words_of_8_bytes_each_with_its_address():
    values, pointers = packed((2**47 + 8, -3, 0.5))
    assert values.tolist()[:2] == [2**47 + 8, -3]
    assert values.view(np.float64)[2] == 0.5
    assert (pointers - values.ctypes.data).tolist() == [0, 8, 16]


def test_a_kernel_is_loaded_and_launched_on_the_stream(driver, streams):
    kernel = Module(TEXT.encode()).function("scale")
    x, y = np.arange(5.0), np.zeros(5)
    launch(Launch(kernel, (3, 1), (2, 1), (x.ctypes.data, y.ctypes.data, 0.5, 5)), stream=7)
    assert y.tolist() == [0, 0.5, 1, 1.5, 2]
    assert streams.done == [7]
    assert driver.calls == ["cuModuleLoadData", "cuModuleGetFunction", "cuLaunchKernel"]


def test_an_error_names_the_call_and_what_cuda_says(driver):
    module = Module(TEXT.encode())
    with pytest.raises(RuntimeError, match=r"GetFunction failed with CUDA_ERROR_NOT_FOUND \(cuda_error_not_found\)"):
        module.function("other")
    kernel = module.function("scale")
    driver.fails_with = CUresult.CUDA_ERROR_INVALID_VALUE
    with pytest.raises(RuntimeError, match="cuLaunchKernel failed with CUDA_ERROR_INVALID_VALUE"):
        launch(Launch(kernel, (1, 1), (1, 1), (0, 0, 0.5, 5)), stream=0)
    driver.fails_with = CUresult.CUDA_ERROR_OUT_OF_MEMORY
    with pytest.raises(MemoryError, match="cuModuleLoadData failed with CUDA_ERROR_OUT_OF_MEMORY"):
        Module(TEXT.encode())
