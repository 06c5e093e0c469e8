"""NumPy's elementwise functions as text: what one of them does to one element."""

from __future__ import annotations

from collections.abc import Sequence

ARITHMETIC: dict[str, str] = {
    "add": "{0} + {1}",
    "subtract": "{0} - {1}",
    "multiply": "{0} * {1}",
    "negative": "-{0}",
    "positive": "{0}",
    "absolute": "abs({0})",
    "square": "{0} * {0}",
    "maximum": "({0} if {0} >= {1} or {0} != {0} else {1})",
    "minimum": "({0} if {0} <= {1} or {0} != {0} else {1})",
    "sign": "({one} if {0} > {zero} else (-{one} if {0} < {zero} else {0}))",
}
"""Of any type. What is not a number stays so: maximum and minimum hand it on, its sign is itself."""

WHOLE: dict[str, str] = {
    "bitwise_and": "{0} & {1}",
    "bitwise_or": "{0} | {1}",
    "bitwise_xor": "{0} ^ {1}",
    "right_shift": "{0} >> ({1} if {1} < 63 else np.int64(63))",
}
"""Of int64 only. A shift by more bits than there are leaves the sign."""

FLOATING: dict[str, str] = {
    "divide": "{0} / {1}",
    "reciprocal": "{one} / {0}",
    "sqrt": "np.sqrt({0})",
    "floor": "np.floor({0})",
    "ceil": "np.ceil({0})",
    "power": "{0} ** {1}",
    "exp": "{m}exp({0})",
    "expm1": "{m}expm1({0})",
    "log": "{m}log({0})",
    "log1p": "{m}log1p({0})",
    "tanh": "{m}tanh({0})",
    "cos": "math.cos({0})",
    "sin": "math.sin({0})",
}
"""Of float32 and float64 only; `m` is the module that has the function for that type."""

TESTS: dict[str, str] = {
    "equal": "{0} == {1}",
    "not_equal": "{0} != {1}",
    "less": "{0} < {1}",
    "less_equal": "{0} <= {1}",
    "greater": "{0} > {1}",
    "greater_equal": "{0} >= {1}",
    "logical_and": "({0} != {zero}) and ({1} != {zero})",
    "logical_or": "({0} != {zero}) or ({1} != {zero})",
    "logical_not": "{0} == {zero}",
    "isfinite": "{0} == {0}",
    "isnan": "{0} != {0}",
}
"""Of one type, with a truth value as result."""

FINITE = "abs({0}) < np.{of}(np.inf)"
"""Of float32 and float64; what is no number is not less than anything."""

FLOATS = ("float32", "float64")


def expression(name: str, arguments: Sequence[str], of: str) -> str | None:
    """`name` of elements that are all of type `of`, as text; None where there is none."""
    words = {"one": f"np.{of}(1)", "zero": f"np.{of}(0)", "m": "fast." if of == "float32" else "math."}
    if of == "bool":
        words |= {"zero": "False"}
    if name == "isfinite" and of in FLOATS:
        return FINITE.format(*arguments, of=of)
    text = TESTS.get(name) or (ARITHMETIC.get(name) if of != "bool" else None)
    if text is None and of == "int64":
        text = WHOLE.get(name)
    if text is None and of in FLOATS:
        text = FLOATING.get(name)
    return None if text is None else text.format(*arguments, **words)


def converted(text: str, of: str, to: str) -> str:
    """A value of type `of` as one of type `to`."""
    if of == to:
        return text
    if to == "bool":
        return f"({text} != np.{of}(0))"
    return f"(np.{to}(1) if {text} else np.{to}(0))" if of == "bool" else f"np.{to}({text})"
