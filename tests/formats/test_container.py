"""What is written is read back bit for bit; what is not a whole checkpoint is one clear error, and costs no memory."""

import math
import os
import subprocess
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load, save

from bpnet import Dense, Sequential
from bpnet.formats.checksum import checksum
from bpnet.formats.container import (
    CheckpointError,
    Content,
    MissingCheckpointError,
    from_bytes,
    read,
    to_bytes,
    write,
)
from bpnet.formats.header import header

DTYPES = [
    "bool",
    "uint8",
    "int8",
    "uint16",
    "int16",
    "uint32",
    "int32",
    "uint64",
    "int64",
    "float16",
    "float32",
    "float64",
]


def small() -> Content:
    arrays = {"theta": np.arange(6, dtype="float32") / 7, "keys": np.array([-(1 << 63), 5]), "state": np.zeros(0)}
    return Content("model", arrays, {"seed": 3, "loss": [0.25, math.nan], "names": {"a": "ü"}})


def same(a: Content, b: Content) -> bool:
    if a.kind != b.kind or repr(a.facts) != repr(b.facts) or set(a.arrays) != set(b.arrays):
        return False
    pairs = [(a.arrays[name], b.arrays[name]) for name in a.arrays]
    return all((x.dtype, x.shape, x.tobytes()) == (y.dtype, y.shape, y.tobytes()) for x, y in pairs)


def test_there_and_back(tmp_path: Path) -> None:
    facts: dict[str, Any] = {
        "floats": [0.1, 1e-310, -0.0, math.nan, math.inf, -math.inf, 1.0],
        "whole": [0, -(1 << 70), True, False, None],
        "text": ["ü\ud800\x00", {"": {}}],
        "numpy": [np.float32(0.1), np.int64(3), np.True_, (1, 2)],
    }
    arrays = {f"a/{dtype}": np.array([[0, 1], [1, 0]], dtype) for dtype in DTYPES}
    arrays |= {"0-d": np.array(2.5), "none": np.zeros((2, 0, 3)), "nan": np.array([np.nan, -0.0, np.inf])}
    write(tmp_path / "c", Content("checkpoint", arrays, facts))
    found = read(tmp_path / "c")
    facts["numpy"] = [float(np.float32(0.1)), 3, True, [1, 2]]
    assert same(found, Content("checkpoint", arrays, facts))


def test_arrays_in_any_order_of_memory() -> None:
    """The library writes the memory as it lies, whatever the strides; here the numbers count."""
    x = np.arange(24, dtype="float64").reshape(2, 3, 4)
    arrays = {"transposed": x.T, "strided": x[:, ::2, ::-1], "big": x.astype(">f8"), "0-d": x[0, 0, 1]}
    found = from_bytes(to_bytes(Content("model", arrays, {}))).arrays
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].shape == array.shape


def test_the_plain_library_reads_it() -> None:
    found = load(to_bytes(small()))
    np.testing.assert_array_equal(found["theta"], small().arrays["theta"])


def model_content() -> Content:
    """That of a model in training."""
    model = Sequential([Dense(2, "tanh", input_dim=3), Dense(1)], backend="numpy")
    model.compile("adam", "mse")
    return model.content()


BOTH = pytest.mark.parametrize("content", [small(), model_content()], ids=["small", "model"])


@BOTH
def test_every_truncation_is_an_error(content: Content) -> None:
    data = to_bytes(content)
    assert same(from_bytes(data), content)
    for length in range(len(data)):
        with pytest.raises(CheckpointError, match="Mend: "):
            from_bytes(data[:length])
    with pytest.raises(CheckpointError, match="damaged"):
        from_bytes(data + b"\0")


@BOTH
def test_bit_flips_are_errors(content: Content) -> None:
    """1,000 times one, and 1,000 times several at once: all are noticed, none gives other numbers."""
    data = to_bytes(content)
    draw = np.random.default_rng(0)
    flips = [draw.integers(0, 8 * len(data), many) for many in [1] * 1000 + draw.integers(2, 9, 1000).tolist()]
    for bits in flips:
        changed = bytearray(data)
        for bit in bits:
            changed[bit // 8] ^= 1 << bit % 8
        if bytes(changed) == data:
            continue  # one bit was drawn twice
        with pytest.raises(CheckpointError, match="Mend: "):
            from_bytes(bytes(changed))


def forged(header: bytes, rest: bytes = b"") -> bytes:
    return len(header).to_bytes(8, "little") + header + rest


def with_facts(facts: str, **changed: str) -> bytes:
    """A file with any text as its facts, and a checksum that is right."""
    theta = np.zeros(1, "float32")
    metadata = {"format": "bpnet", "version": "1", "kind": "model", "facts": facts} | changed
    digest = checksum(metadata, [("theta", "F32", (1,), theta.tobytes())])
    return save({"theta": theta}, metadata | {"sha256": digest})


ENTRY = '"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}'
BAD_HEADERS = {
    "no JSON": b"{hello",
    "not UTF-8": b'{"\xff":1}',
    "two of a name": f"{{{ENTRY},{ENTRY}}}".encode(),
    "no offsets": b'{"a":{"dtype":"F32","shape":[1]}}',
    "huge shape": b'{"a":{"dtype":"F32","shape":[4611686018427387904],"data_offsets":[0,18446744073709551616]}}',
    "larger than the file": b'{"a":{"dtype":"F32","shape":[1000000000000],"data_offsets":[0,4000000000000]}}',
    "negative": b'{"a":{"dtype":"F32","shape":[-1,-1],"data_offsets":[0,4]}}',
    "wrong size": b'{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}',
    "backwards": b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}',
    "overlapping": f"{{{ENTRY},{ENTRY.replace('a', 'b', 1)}}}".encode(),
    "a gap": b'{"a":{"dtype":"U8","shape":[3],"data_offsets":[1,4]}}',
    "no number": b'{"a":{"dtype":"F32","shape":[NaN],"data_offsets":[0,4]}}',
    "an infinite number": b'{"a":{"dtype":"F32","shape":[1e999],"data_offsets":[0,4]}}',
    "a fraction": b'{"a":{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}}',
    "a truth": b'{"a":{"dtype":"F32","shape":[true],"data_offsets":[0,4]}}',
    "a number with 100,000 digits": b'{"a":' + b"9" * 100_000 + b"}",
    "many axes": b'{"a":{"dtype":"F32","shape":[' + b",".join([b"1"] * 40) + b'],"data_offsets":[0,4]}}',
    "another type": b'{"a":{"dtype":"F31","shape":[1],"data_offsets":[0,4]}}',
    "a list as type": b'{"a":{"dtype":[],"shape":[1],"data_offsets":[0,4]}}',
    "deep": b'{"a":' + b"[" * 1_000_000 + b"]" * 1_000_000 + b"}",
    "deep and open": b'{"a":' + b'{"a":' * 1_000_000,
    "metadata no text": f'{{"__metadata__":{{"format":1}},{ENTRY}}}'.encode(),
    "metadata no dictionary": f'{{"__metadata__":[],{ENTRY}}}'.encode(),
}


@pytest.mark.parametrize("name", BAD_HEADERS)
def test_forged_headers(name: str) -> None:
    data = forged(BAD_HEADERS[name], bytes(4))
    tracemalloc.start()
    with pytest.raises(CheckpointError, match="Mend: "):
        from_bytes(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 32 * len(data) + 100_000  # bytes; Python's objects of JSON are up to thirty times its length


@pytest.mark.parametrize("length", [1 << 26, 1 << 40, (1 << 64) - 1])
def test_a_header_that_claims_to_be_huge(length: int) -> None:
    with pytest.raises(CheckpointError, match="claims a header"):
        from_bytes(length.to_bytes(8, "little") + b"{}")


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ("[]", "no dictionary"),
        ('{"a":1,"a":2}', "twice"),
        ('{"a":NaN}', "NaN"),
        ('{"a":1e999}', "1e999"),
        ('{"a":{"__float__":"one"}}', "no number"),
        ('{"a":{"__float__":[]}}', "no number"),
        ('{"a":' + "[" * 500 + "]" * 500 + "}", "deep"),
        ('{"a":' + "[" * 200_000, "deep"),
    ],
)
def test_facts_that_are_not_to_be_trusted(facts: str, said: str) -> None:
    with pytest.raises(CheckpointError, match=f"{said}.*Mend: "):
        from_bytes(with_facts(facts))


def test_other_formats_and_versions() -> None:
    assert from_bytes(with_facts("{}")).facts == {}
    with pytest.raises(CheckpointError, match=r"format version 2.*up to 1.*a newer bpnet"):
        from_bytes(with_facts("{}", version="2"))
    with pytest.raises(CheckpointError, match=r"none that bpnet has saved.*set_weights"):
        from_bytes(save({"a": np.zeros(3)}))
    with pytest.raises(CheckpointError, match="no safetensors file"):
        from_bytes(b"PK\3\4 what torch.save writes")
    with pytest.raises(CheckpointError, match="kind"):
        from_bytes(with_facts("{}", kind="other"))
    with pytest.raises(CheckpointError, match="more than they should"):
        from_bytes(with_facts("{}", more=""))


def test_paths(tmp_path: Path) -> None:
    with pytest.raises(MissingCheckpointError, match="there is no file") as told:
        read(tmp_path / "none")
    assert isinstance(told.value, FileNotFoundError)
    with pytest.raises(CheckpointError, match="is a folder"):
        read(tmp_path)
    (tmp_path / "empty").write_bytes(b"")
    with pytest.raises(CheckpointError, match=r"empty' is empty"):
        read(tmp_path / "empty")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(CheckpointError, match="no ordinary file"):
        read(tmp_path / "pipe")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (Content("thing", {}, {}), "kind"),
        (Content("model", {"a": np.array(["text"])}, {}), "'a' has the type"),
        (Content("model", {"a": np.array([None])}, {}), "'a' has the type object"),
        (Content("model", {"__metadata__": np.zeros(1)}, {}), "__metadata__"),
        (Content("model", {}, {"a": [1, {2: 3}]}), r"facts\['a'\]\[1\]: the key 2"),
        (Content("model", {}, {"a": {"__float__": 3}}), "__float__"),
        (Content("model", {}, {"a": np.zeros(3)}), r"facts\['a'\]: ndarray"),
        (Content("model", {}, {"a": {1}}), "set"),
    ],
)
def test_what_cannot_be_written(tmp_path: Path, content: Content, said: str) -> None:
    with pytest.raises((TypeError, ValueError), match=said):
        write(tmp_path / "c", content)
    assert list(tmp_path.iterdir()) == []


def test_facts_that_contain_themselves_or_too_much() -> None:
    circle: list[Any] = []
    circle.append(circle)
    with pytest.raises(ValueError, match="levels deep"):
        to_bytes(Content("model", {}, {"a": circle}))
    with pytest.raises(ValueError, match="as arrays"):
        to_bytes(Content("model", {}, {"a": "x" * (1 << 25)}))


def test_the_format_is_stable() -> None:
    """The checksum of a file with known contents: a change of it needs a new version of the format."""
    metadata, _ = header(to_bytes(small()))
    assert metadata["facts"] == '{"seed":3,"loss":[0.25,{"__float__":"nan"}],"names":{"a":"\\u00fc"}}'
    assert metadata["sha256"] == "8983c7809e9fd7fed1755b7ad369115a5e22ed3a476d3c0dfd0b9e39537b7f7f"


def test_importing_bpnet_does_not_import_the_library() -> None:
    program = "import sys, bpnet, bpnet.formats.container; sys.exit('safetensors' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)
