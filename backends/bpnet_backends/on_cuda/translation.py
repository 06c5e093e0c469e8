"""What an operation does to an element, from the text that `fusion` writes into C++.

The text is a Python expression of names and numbers. Each part of it has a type, one of NumPy's; a plain number takes
that of what it meets, and two other types never meet. Whole numbers wrap, as NumPy's do: C++ leaves open what becomes
of signed ones that overflow, so `mathematics.cuh` computes them without a sign.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

TYPES = {
    "bool": "bool",
    **{f"{sign}int{bits}": f"{sign}int{bits}" for bits in (8, 16, 32, 64) for sign in ("", "u")},
    "float32": "float",
    "float64": "double",
}
"""C++'s name of each type that a kernel can work on."""

FLOATS = {"float32": "f", "float64": ""}
"""What the names of functions and numbers of that type end with."""

ARITHMETIC: dict[type, tuple[str, str]] = {
    ast.Add: ("+", "add"),
    ast.Sub: ("-", "subtract"),
    ast.Mult: ("*", "multiply"),
}
"""The sign for floats, and the function for whole numbers."""

BITS: dict[type, str] = {ast.BitAnd: "&", ast.BitOr: "|", ast.BitXor: "^"}
COMPARISONS: dict[type, str] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
}


class TranslationError(TypeError):
    """The text is not written in the part of Python that there is a translation for."""


@dataclass(frozen=True)
class Value:
    """C++ for a value, and its type; `number` where that is still open."""

    text: str
    of: str


def translated(text: str, types: Mapping[str, str]) -> Value:
    """The expression in C++; `types` are those of the names in it."""
    return _Translation(types).value(ast.parse(text, mode="eval").body)


def number(x: float, of: str) -> str:
    """A number of that type in C++."""
    if of == "bool":
        return "true" if x else "false"
    if of in FLOATS:
        if not np.isfinite(x):
            name = "not_a_number" if np.isnan(x) else "infinity"
            return f"{'-' if x < 0 else ''}{name}<{TYPES[of]}>()"
        return repr(np.dtype(of).type(x).item() if of == "float64" else float(str(np.float32(x)))) + FLOATS[of]
    if int(x) == -(2**63):
        return "(-9223372036854775807LL - 1)"
    return f"{TYPES[of]}({int(x)}{'LL' if of == 'int64' else 'ULL' if of == 'uint64' else ''})"


class _Translation:
    def __init__(self, types: Mapping[str, str]) -> None:
        self._types = types

    def value(self, node: ast.expr) -> Value:
        match node:
            case ast.Name(name):
                return Value(name, self._types[name])
            case ast.Constant(bool() as truth):
                return Value(number(truth, "bool"), "bool")
            case ast.Constant(int() | float() as plain):
                return Value(repr(plain), "number")
            case ast.Attribute(ast.Name("np"), "inf"):
                return Value("inf", "number")
            case ast.UnaryOp(ast.USub(), operand):
                return self._negative(self.value(operand))
            case ast.BinOp(left, op, right):
                return self._binary(op, *self._alike(self.value(left), self.value(right)))
            case ast.Compare(left, [op], [right]) if type(op) in COMPARISONS:
                a, b = self._alike(self.value(left), self.value(right))
                return Value(f"({a.text} {COMPARISONS[type(op)]} {b.text})", "bool")
            case ast.BoolOp(op, parts):
                sign = " && " if isinstance(op, ast.And) else " || "
                return Value(f"({sign.join(self.value(part).text for part in parts)})", "bool")
            case ast.IfExp(test, body, orelse):
                a, b = self._alike(self.value(body), self.value(orelse))
                return Value(f"({self.value(test).text} ? {a.text} : {b.text})", a.of)
            case ast.Call(ast.Attribute(ast.Name("np"), of), [x], []) if of in TYPES:
                return self._converted(self.value(x), of)
            case ast.Call(ast.Attribute(ast.Name("np" | "math" | "fast"), name), args, []):
                return self._function(name, [self.value(arg) for arg in args])
            case ast.Call(ast.Name("abs"), [x], []):
                return self._absolute(self.value(x))
            case _:
                raise TranslationError(f"there is no translation of: {ast.unparse(node)}")

    def _negative(self, x: Value) -> Value:
        if x.of == "number":
            return Value(f"-{x.text}", x.of)
        return Value(f"(-{x.text})" if x.of in FLOATS else f"negative({x.text})", x.of)

    def _binary(self, op: ast.operator, a: Value, b: Value) -> Value:
        if type(op) in ARITHMETIC and a.of != "bool":
            sign, function = ARITHMETIC[type(op)]
            return Value(f"({a.text} {sign} {b.text})" if a.of in FLOATS else f"{function}({a.text}, {b.text})", a.of)
        if isinstance(op, ast.Div) and a.of in FLOATS:
            return Value(f"({a.text} / {b.text})", a.of)
        if isinstance(op, ast.Pow) and a.of in FLOATS:
            return self._function("pow", [a, b])
        if type(op) in BITS and a.of not in FLOATS:
            return Value(f"{TYPES[a.of]}({a.text} {BITS[type(op)]} {b.text})", a.of)
        if isinstance(op, ast.RShift) and a.of not in FLOATS:
            return Value(f"shifted_right({a.text}, {b.text})", a.of)
        raise TranslationError(f"{type(op).__name__} of {a.of} has no translation")

    def _function(self, name: str, args: list[Value]) -> Value:
        of = args[0].of
        if of not in FLOATS or any(arg.of != of for arg in args):
            raise TranslationError(f"{name} of {', '.join(arg.of for arg in args)} has no translation")
        return Value(f"{name}{FLOATS[of]}({', '.join(arg.text for arg in args)})", of)

    def _absolute(self, x: Value) -> Value:
        return self._function("fabs", [x]) if x.of in FLOATS else Value(f"absolute({x.text})", x.of)

    def _converted(self, x: Value, of: str) -> Value:
        if x.of == "number":
            # An int64 has more digits than a float64 can hold.
            plain = float(x.text) if of in FLOATS or not x.text.lstrip("-").isdigit() else int(x.text)
            return Value(number(plain, of), of)
        return x if x.of == of else Value(f"{TYPES[of]}({x.text})", of)

    def _alike(self, a: Value, b: Value) -> tuple[Value, Value]:
        """Both in one type; a plain number takes that of the other."""
        if "number" in (a.of, b.of) and a.of != b.of:
            return (self._converted(a, b.of), b) if a.of == "number" else (a, self._converted(b, a.of))
        if a.of != b.of:
            raise TranslationError(f"{a.of} meets {b.of}: one of them has to be converted")
        return a, b
