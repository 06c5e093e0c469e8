"""What is free on the host, from the files in which Linux says so."""

import pytest

from bpnet.backend import make
from bpnet_backends.host_memory import available

MEMINFO = "MemTotal:  16000 kB\nMemFree:  1000 kB\nMemAvailable:  8000 kB\n"
FREE = 8000 * 1024


def machine(tmp_path, **group):
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/meminfo").write_text(MEMINFO)
    (tmp_path / "sys/fs/cgroup").mkdir(parents=True)
    for name, text in group.items():
        (tmp_path / "sys/fs/cgroup" / f"memory.{name}").write_text(f"{text}\n")
    return tmp_path


@pytest.mark.parametrize(
    ("group", "expected"),
    [
        ({}, FREE),
        ({"max": "max", "current": 5000}, FREE),
        ({"max": 9000, "current": 5000, "stat": "anon 3000\ninactive_file 700"}, 4700),
        ({"max": 9000, "current": 9500, "stat": "anon 9400\ninactive_file 100"}, 0),
        ({"max": 10**9, "current": 5000}, FREE),
    ],
)
def test_what_the_kernel_and_a_container_say(tmp_path, group, expected):
    assert available(machine(tmp_path, **group)) == expected


def test_where_nothing_is_said(tmp_path):
    assert available(tmp_path) is None


@pytest.mark.parametrize("spec", ["numpy", "numba"])
def test_the_cpu_backends_say_it(spec):
    free = make(spec).free_memory()
    assert free is None or free > 0
