"""What the page about the format says is so."""

import hashlib
import json
import re
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open

import bpnet
from bpnet import Adam, Averaged, Dense, Sequential

PAGE = (Path(bpnet.__file__).parent / "docs" / "checkpoints.md").read_text(encoding="utf-8")
MODEL = Sequential([Dense(3, "tanh", input_dim=2), Dense(1)], backend="numpy")
MODEL.compile(Averaged(Adam()), "mse", ["mae"])
MODEL.fit(np.ones((4, 2)), np.ones(4), verbose=0)


def keys(value: object) -> set[str]:
    """All keys of dictionaries that stand in a value, but for those of settings and of the history."""
    if isinstance(value, list):
        return set().union(*map(keys, value))
    if not isinstance(value, dict):
        return set()
    inner = [keys(item) for key, item in value.items() if key not in ("settings", "history")]
    return set(value).union(*inner)


def test_every_key_is_explained() -> None:
    content = MODEL.content(command="here")
    for key in {*keys(content.facts), "theta", "state", "keys", "optimizer/0", "sha256", "version", "kind"}:
        assert re.search(rf"[`.\"]{re.escape(key)}[`\"]", PAGE), key


def test_the_checksum_is_the_one_described(tmp_path: Path) -> None:
    MODEL.save(tmp_path / "m")
    names = {"float32": "F32", "int64": "I64", "float64": "F64"}
    with safe_open(tmp_path / "m", framework="numpy") as file:
        metadata = dict(sorted(file.metadata().items()))
        arrays = {name: file.get_tensor(name) for name in sorted(file.keys())}
    claimed = metadata.pop("sha256")
    described = [[name, names[array.dtype.name], list(array.shape)] for name, array in arrays.items()]
    text = json.dumps([metadata, described], separators=(",", ":")).encode()
    data = b"".join(array.tobytes() for array in arrays.values())
    assert hashlib.sha256(text + b"\0" + data).hexdigest() == claimed


def test_the_plain_library_reads_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    MODEL.save("m.safetensors")
    code = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)[-1]
    found: dict[str, object] = {}
    exec(code, found)
    assert capsys.readouterr().out == "(13,) ['Dense', 'Dense']\n"
    w, b, v, c = MODEL.get_weights()
    np.testing.assert_array_equal(found["theta"], np.concatenate([w.ravel(), v.ravel(), b, c]))
