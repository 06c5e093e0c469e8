"""Compiled kernels are kept for the next process, and BPNET_THREADS says how many threads there are."""

import os
import subprocess
import sys

import pytest

from bpnet_backends import keeping
from bpnet_backends.on_numba import compiling

STEP = """
import numpy as np
from bpnet.backend import make
backend = make("numba")
x = backend.asarray(np.arange(6.0), "float64")
def step():
    x[...] = x * 2 + 1
captured = backend.capture(step)
captured()
captured()
assert np.asarray(x).tolist() == [3.0, 7.0, 11.0, 15.0, 19.0, 23.0]
"""

THREADS = """
import numba, threadpoolctl
from bpnet.backend import make
make("numba")
import scipy.linalg
pools = threadpoolctl.ThreadpoolController().select(user_api="blas").info()
print(numba.get_num_threads(), *{pool["num_threads"] for pool in pools})
"""


def run(code, **variables):
    environment = {**os.environ, **variables}
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code], env=environment, capture_output=True, text=True, check=False
    )


def test_what_was_compiled_is_kept_for_the_next_process(tmp_path):
    first = run(STEP, BPNET_CACHE=str(tmp_path))
    assert first.returncode == 0, first.stderr
    assert first.stderr.count("compiling kernels") == 1
    compiled = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert compiled
    assert {path.suffix for path in compiled} == {".o"}
    second = run(STEP, BPNET_CACHE=str(tmp_path))
    assert second.returncode == 0, second.stderr
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == compiled
    assert second.stderr == ""


def test_a_cache_that_cannot_be_written_is_done_without(tmp_path):
    """A file where the folder should be: no user, not even root, can write into it."""
    (tmp_path / "kernels").write_text("")
    done = run(STEP, BPNET_CACHE=str(tmp_path / "kernels"))
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("Mend: set BPNET_CACHE to a folder that can be written") == 1


def test_a_user_without_a_home_folder_has_no_cache(monkeypatch, capsys):
    """A container may run under a number that stands in no list of users."""

    def homeless():
        raise RuntimeError("Could not determine home directory.")

    for name in ("BPNET_CACHE", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(keeping.Path, "home", homeless)
    keeping._say.cache_clear()
    keeping.keep("name", b"code")
    assert "Mend: set BPNET_CACHE to a folder that can be written" in capsys.readouterr().err
    assert keeping.kept("name") is None


@pytest.mark.parametrize("damaged", [b"", b"short", lambda code: code[:-1], lambda code: code[:40] + b"x" + code[41:]])
def test_a_kernel_that_was_damaged_is_compiled_anew(tmp_path, damaged):
    run(STEP, BPNET_CACHE=str(tmp_path))
    whole = {path: path.read_bytes() for path in tmp_path.iterdir()}
    for path, code in whole.items():
        path.write_bytes(damaged(code) if callable(damaged) else damaged)
    done = run(STEP, BPNET_CACHE=str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == whole


@pytest.mark.parametrize("given", ["0", "-1", "x", "1.5"])
@pytest.mark.parametrize("spec", ["numpy", "numba"])
def test_a_number_of_threads_that_is_none_is_refused(spec, given, monkeypatch):
    from bpnet.backend import make

    monkeypatch.setenv("BPNET_THREADS", given)
    with pytest.raises(ValueError, match=f"BPNET_THREADS: '{given}' was given, expected a whole number from 1. Mend:"):
        make(spec)


def test_one_thread_is_one_thread_for_numba_and_the_blas():
    done = run(THREADS, BPNET_THREADS="1")
    assert done.stdout.split() == ["1", "1"], done.stdout + done.stderr


def test_a_kernel_is_compiled_anew_when_what_it_is_built_on_has_changed(monkeypatch):
    before = compiling.key_of("text")
    assert before == compiling.key_of("text")
    assert before != compiling.key_of("other text")
    monkeypatch.setattr(compiling, "_foundations", lambda: "a mended tanh")
    assert compiling.key_of("text") != before


BLAS = """
import numpy as np, threadpoolctl
from bpnet.backend import make
from bpnet_backends.on_numba import one_thread
backend = make("numba")
if KNOWN == "no":
    one_thread.NAMES = []
    told = []
    before = one_thread._functions
    def watched(library):
        put = library.set_num_threads
        library.set_num_threads = lambda number: (told.append(number), put(number))[1]
        return before(library)
    one_thread._functions = watched
a = backend.asarray(np.eye(40), "float64")
step = backend.capture(lambda: a.__setitem__(..., a @ a))
threads = lambda: {pool["num_threads"] for pool in threadpoolctl.ThreadpoolController().select(user_api="blas").info()}
had = threads()
step()
step()
assert threads() == had, (threads(), had)
if KNOWN == "no":
    assert told[-4:] == [1, *had, 1, *had], told
"""


@pytest.mark.parametrize("known", ["yes", "no"])
def test_the_blas_gets_its_threads_back(known):
    """Also one whose functions have names that we do not know."""
    done = run(f"KNOWN = {known!r}\n{BLAS}", BPNET_BLAS="scipy")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("fast", "'fast' was given, expected mkl or scipy. Mend:"),
        ("mkl", "the package mkl is not installed or cannot be used. Mend:"),
    ],
)
def test_a_blas_that_is_not_there_is_refused(monkeypatch, asked, told):
    from bpnet.backend import make
    from bpnet_backends.on_numba import blas

    monkeypatch.setenv("BPNET_BLAS", asked)
    monkeypatch.setattr(blas, "library", lambda package, names: None)
    blas.mkl.cache_clear()
    with pytest.raises(ValueError, match=told):
        make("numba")
    blas.mkl.cache_clear()


MASK = """
import threading
import numba, numpy as np
from bpnet.backend import make
backend = make("numba")
numba.set_num_threads(3)
x = backend.asarray(np.ones((64, 40_000)), "float64")
total = backend.asarray(np.zeros((64, 40_000)), "float64")
step = backend.capture(lambda: total.__setitem__(..., total + x * 2.0))
step()
assert numba.get_num_threads() == 3
several = [threading.Thread(target=lambda: [step() for _ in range(50)]) for _ in range(3)]
for thread in several:
    thread.start()
for thread in several:
    thread.join()
assert np.all(np.asarray(total) == 2.0 * 151), np.unique(np.asarray(total))
"""


@pytest.mark.parametrize("layer", ["tbb", "omp", "workqueue"])
def test_a_replay_leaves_numbas_threads_as_they_were_and_takes_one_caller_at_a_time(layer):
    done = run(MASK, NUMBA_NUM_THREADS="4", NUMBA_THREADING_LAYER=layer)
    assert done.returncode == 0, done.stderr
