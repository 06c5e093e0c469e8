"""Copies to a GPU, on stand-ins for the streams of CuPy and PyTorch: who waits for whom. A GPU was never tried."""

import threading
from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from bpnet_backends.on_cuda.device import Uploading
from bpnet_backends.on_cuda.uploads import CuPyUploads, TorchUploads


class Stream:
    """Work in order, done when it is asked for; an event is the work before it."""

    def __init__(self, *_, **__):
        self.work = []

    def run(self):
        while self.work:
            self.work.pop(0)()

    def wait_event(self, event):
        self.work.append(event.synchronize)

    def wait_stream(self, stream):
        self.wait_event(self.of(stream))

    def record_event(self):
        return self.of(self)

    @staticmethod
    def of(stream):
        event = Event()
        event.record(stream)
        return event


class Event:
    def __init__(self, **_):
        self.happened = threading.Event()

    def record(self, stream):
        self.stream = stream
        stream.work.append(self.happened.set)

    def synchronize(self):
        while not self.happened.is_set():
            self.stream.work.pop(0)()


@pytest.fixture
def current():
    return Stream()


class GPU:
    """cupy.cuda.Device; `used` are the threads that it became the current one of."""

    def __init__(self, used):
        self.used = used

    def use(self):
        self.used.append(threading.current_thread().name)

    def __enter__(self):
        pass

    def __exit__(self, *error):
        pass


@pytest.fixture
def used():
    return []


@pytest.fixture
def cupy(current, used):
    """Targets are NumPy's arrays; a copy is done when its stream comes to it."""
    cuda = SimpleNamespace(
        Stream=Stream,
        Event=Event,
        get_current_stream=lambda: current,
        alloc_pinned_memory=bytearray,
        runtime=SimpleNamespace(memGetInfo=lambda: (1000, 5000)),
    )
    pool = SimpleNamespace(free_bytes=lambda: 200)
    made = CuPyUploads(SimpleNamespace(cuda=cuda, get_default_memory_pool=lambda: pool), GPU(used))

    def target(shape):
        array = np.zeros(shape, np.float32)

        def copy(address, size, stream):
            source = (np.ctypeslib.ctypes.c_float * (size // 4)).from_address(address)
            stream.work.append(lambda: array.reshape(-1).__setitem__(slice(None), list(source)))

        return SimpleNamespace(data=SimpleNamespace(copy_from_host_async=copy), array=array)

    return made, target


@pytest.fixture
def pytorch(current, used):
    on = [current]

    @contextmanager
    def stream(chosen):
        on.append(chosen)
        yield
        on.pop()

    cuda = SimpleNamespace(
        Stream=Stream,
        current_stream=lambda device: current,
        set_device=lambda device: used.append(threading.current_thread().name),
        stream=stream,
        mem_get_info=lambda device: (1000, 5000),
        memory_reserved=lambda device: 500,
        memory_allocated=lambda device: 300,
    )
    library = SimpleNamespace(
        cuda=cuda,
        from_numpy=torch.from_numpy,
        float32=torch.float32,
        empty=lambda shape, dtype, pin_memory: torch.empty(shape, dtype=dtype),
    )

    def target(shape):
        array = np.zeros(shape, np.float32)

        def copy(source, non_blocking):
            assert non_blocking
            on[-1].work.append(lambda: array.__setitem__(..., source.numpy()))

        return SimpleNamespace(copy_=copy, array=array)

    return TorchUploads(library, "cuda:0"), target


@pytest.mark.parametrize("library", ["cupy", "pytorch"])
def test_a_copy_waits_for_what_was_launched_before_and_no_longer(library, current, request):
    uploads, target_of = request.getfixturevalue(library)
    assert isinstance(uploads, Uploading)
    assert uploads.free_memory() == 1200
    source, target, seen = uploads.pinned((2, 3), "float32"), target_of((2, 3)), []
    source[...] = 7
    current.work.append(lambda: seen.append(("before", target.array[0, 0])))
    upload = uploads.upload(source, target)
    current.work.append(lambda: seen.append(("beside", target.array[0, 0])))
    upload.ready()
    current.work.append(lambda: seen.append(("after", target.array[0, 0])))
    assert not target.array.any(), "nothing waits for the copy yet"
    current.run()
    assert seen == [("before", 0), ("beside", 0), ("after", 7)]


@pytest.mark.parametrize("library", ["cupy", "pytorch"])
def test_the_host_waits_for_a_copy_and_for_nothing_after_it(library, current, used, request):
    uploads, target_of = request.getfixturevalue(library)
    source, target, seen = uploads.pinned((4,), "float32"), target_of((4,)), []
    source[...] = 5
    current.work.append(lambda: seen.append("before"))
    upload = uploads.upload(source, target)
    current.work.append(lambda: seen.append("after"))
    waiting = threading.Thread(target=upload.wait, name="beside")
    waiting.start()
    waiting.join()
    assert used == ["beside"], "else CUDA would take memory on GPU 0 for this thread"
    source[...] = 6
    assert seen == ["before"]
    np.testing.assert_array_equal(target.array, 5)
