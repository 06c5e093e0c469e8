"""CuPy as NumPy: its names for memory, streams and graphs, on the host's memory."""

import ctypes
from contextlib import contextmanager
from functools import wraps
from types import ModuleType, SimpleNamespace

import array_api_compat.numpy
import numpy as np


class CUDARuntimeError(RuntimeError):
    """What CuPy raises where CUDA reports an error."""


class OutOfMemoryError(MemoryError):
    """What CuPy's pools raise."""


class Allocation:
    """CuPy's memory: a chunk of a pool, with its own address."""

    def __init__(self, size, held=None):
        self.held = np.full(size, 0xFF, np.uint8) if held is None else held
        self.ptr, self.size = self.held.__array_interface__["data"][0], size


class MemoryPointer:
    def __init__(self, mem, offset):
        self.mem, self.ptr = mem, mem.ptr + offset


class Array(np.ndarray):
    """cupy.ndarray: its `data` says where it lies."""

    def __new__(cls, shape, dtype, memptr, strides):
        size = memptr.mem.size - (memptr.ptr - memptr.mem.ptr)
        buffer = (ctypes.c_char * size).from_address(memptr.ptr)
        made = super().__new__(cls, shape, dtype, buffer, 0, strides)
        made.mem = memptr.mem
        return made

    def __array_finalize__(self, of):
        self.mem = getattr(of, "mem", None)

    def __array_wrap__(self, made, context=None, return_scalar=False):
        return np.asarray(made).view(Array)  # CuPy has no scalars

    def __getitem__(self, key):
        found = super().__getitem__(key)
        return found if isinstance(found, Array) else super().__getitem__((*np.index_exp[key], ...))

    @property
    def data(self):
        address = self.__array_interface__["data"][0]
        if self.mem is None or not self.mem.ptr <= address < self.mem.ptr + max(self.mem.size, 1):
            root = self
            while isinstance(root.base, np.ndarray):
                root = root.base
            self.mem = Allocation(root.nbytes, root)
        return MemoryPointer(self.mem, address - self.mem.ptr)


class Namespace(ModuleType):
    """array-api-compat's namespace, which makes arrays of ours."""

    def __getattr__(self, name):
        found = getattr(array_api_compat.numpy, name)
        if isinstance(found, type) or not callable(found):
            return found

        @wraps(found)
        def call(*args, **kwargs):
            made = found(*args, **kwargs)
            if isinstance(made, tuple):
                return tuple(np.asarray(each).view(Array) for each in made)
            return made if isinstance(made, Array | bool | np.dtype) else np.asarray(made).view(Array)

        return call


class FakeCuPy(ModuleType):
    """The module `cupy` of a machine with two GPUs."""

    def __init__(self, streams):
        super().__init__("cupy")
        self.streams, self.capacity, self.freed = streams, 1 << 34, 0
        self.used, self.waits, self.graphs, self.replays = -1, 0, 0, 0
        self.pools, self.texts = [], []
        self.current = [SimpleNamespace(ptr=0)]
        self.ndarray = Array
        module = self

        class Device:
            def __init__(self, index):
                self.index, self.compute_capability = index, "90"

            def use(self):
                module.used = self.index

            def synchronize(self):
                module.waits += 1

            def __enter__(self):
                return self

            def __exit__(self, *error):
                pass

        class MemoryPool:
            def __init__(self):
                self.given, self.emptied = [], 0
                module.pools.append(self)

            def free_all_blocks(self):
                self.emptied += 1

            def malloc(self, size):
                if size > module.capacity:
                    raise OutOfMemoryError(f"Out of memory allocating {size:,} bytes")
                self.given.append(Allocation(-(-size // 512) * 512))
                return MemoryPointer(self.given[-1], 0)

        class Stream:
            def __init__(self, non_blocking=False):
                self.ptr = 100 + len(module.pools)
                self.non_blocking = non_blocking

            def __enter__(self):
                module.current.append(self)

            def __exit__(self, *error):
                assert module.current.pop() is self

            def begin_capture(self):
                assert self.non_blocking
                streams.captured[self.ptr] = []

            def end_capture(self):
                noted = streams.captured.pop(self.ptr)
                if None in noted:
                    raise CUDARuntimeError("cudaErrorStreamCaptureInvalidated")
                module.graphs += 1
                return Graph(noted)

        class Graph:
            def __init__(self, noted):
                self.noted = noted

            def launch(self):
                module.replays += 1
                for run in self.noted:
                    streams.do(module.current[-1].ptr, run)

        @contextmanager
        def using_allocator(allocator):
            module.allocator = allocator
            yield
            module.allocator = None

        self.cuda = SimpleNamespace(
            Device=Device,
            MemoryPool=MemoryPool,
            MemoryPointer=MemoryPointer,
            Stream=Stream,
            get_current_stream=lambda: self.current[-1],
            using_allocator=using_allocator,
            runtime=SimpleNamespace(
                CUDARuntimeError=CUDARuntimeError,
                getDeviceCount=lambda: 2,
                getDeviceProperties=lambda index: {"name": f"GPU number {index}".encode()},
                runtimeGetVersion=lambda: 12_090,
                memGetInfo=lambda: (self.capacity, 1 << 34),
            ),
        )

    @staticmethod
    def array(x, dtype=None, order="C"):
        return np.array(x, dtype=dtype, order=order).view(Array)

    @staticmethod
    def asnumpy(x):
        return np.array(x).view(np.ndarray)

    def get_default_memory_pool(self):
        return SimpleNamespace(free_all_blocks=lambda: setattr(self, "freed", self.freed + 1), free_bytes=lambda: 100)
