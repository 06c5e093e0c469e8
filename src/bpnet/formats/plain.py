"""Facts as strict JSON text and back: what JSON cannot say is an error, or said in a way that comes back the same.

NaN and the infinities, which JSON does not have, are {"__float__": "nan"}, "inf" and "-inf". A tuple comes back as a
list.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from math import isfinite, isnan
from numbers import Integral, Real
from typing import Any

DEEPEST = 100
FLOAT = "__float__"
_NOT_FINITE = {"nan": float("nan"), "inf": float("inf"), "-inf": float("-inf")}


class JSONError(ValueError):
    """A text is no JSON document, or none that can be trusted."""


def json_text(facts: dict[str, Any]) -> str:
    """`facts` as JSON, in ASCII and without spaces; TypeError or ValueError names what cannot be written."""
    if not isinstance(facts, dict):
        raise TypeError(f"facts: {type(facts).__name__} was given, expected a dictionary")
    return json.dumps(_plain(facts, "facts", 0), allow_nan=False, separators=(",", ":"))


def parsed(text: str) -> dict[str, Any]:
    """The inverse of `json_text`. JSONError: no JSON, a key twice, a number that is none, too deep."""
    found = _revived(document(text))
    assert isinstance(found, dict)
    return found


def document(text: str) -> dict[str, Any]:
    """A JSON object as it stands."""
    try:
        found = json.loads(text, object_pairs_hook=_without_repeats, parse_constant=_no_constant, parse_float=_finite)
    except RecursionError as error:
        raise JSONError(f"more than {DEEPEST} levels deep") from error
    except ValueError as error:
        raise JSONError(str(error)[:200]) from error
    if not isinstance(found, dict):
        raise JSONError("no dictionary")
    if not _is_shallow(found):
        raise JSONError(f"more than {DEEPEST} levels deep")
    return found


def _is_shallow(value: Any) -> bool:
    """Do lists and dictionaries stand in one another at most as deep as `json_text` writes them?"""
    level = [value]
    for _ in range(DEEPEST + 2):
        level = [item for group in level for item in _items(group)]
        if not level:
            return True
    return False


def _items(value: Any) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()


def _plain(value: Any, where: str, depth: int) -> Any:
    if depth > DEEPEST:
        raise ValueError(f"{where[:200]}: it is more than {DEEPEST} levels deep")
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return _number(float(value))
    if type(value).__name__ in ("bool", "bool_") and hasattr(value, "item"):  # a NumPy one, which is no number
        return bool(value)
    if isinstance(value, list | tuple):
        return [_plain(item, f"{where}[{i}]", depth + 1) for i, item in enumerate(value)]
    if isinstance(value, dict):
        for key in value:
            if not isinstance(key, str) or key == FLOAT:
                raise TypeError(f"{where}: the key {key!r} was given, expected text other than {FLOAT!r}")
        return {key: _plain(item, f"{where}[{key!r}]", depth + 1) for key, item in value.items()}
    raise TypeError(
        f"{where}: {type(value).__name__} was given, expected what JSON can say: dictionaries with text as keys, "
        "lists, text, numbers, True, False, None"
    )


def _number(value: float) -> Any:
    if isfinite(value):
        return value
    return {FLOAT: "nan" if isnan(value) else "inf" if value > 0 else "-inf"}


def _revived(value: Any) -> Any:
    if isinstance(value, list):
        return [_revived(item) for item in value]
    if not isinstance(value, dict):
        return value
    if FLOAT in value:
        if len(value) != 1 or value[FLOAT] not in tuple(_NOT_FINITE):
            raise JSONError(f"{str(value)[:80]} is no number")
        return _NOT_FINITE[value[FLOAT]]
    return {key: _revived(item) for key, item in value.items()}


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise JSONError("a key stands there twice")
    return found


def _finite(text: str) -> float:
    value = float(text)
    if not isfinite(value):
        raise JSONError(f"{text[:40]} is no finite number")
    return value


def _no_constant(name: str) -> None:
    raise JSONError(f"{name} is no number of JSON")
