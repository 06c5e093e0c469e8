"""Kernels into LLVM's language: a small part of Python, in which every name has one type.

A kernel is a function of 64-bit integers whose text is Python: assignments, `for … in range(…)`, `while`, `if`,
arithmetic and comparisons, `a if c else b` (both are computed), and calls: of the words that `words.py` knows, and of
other functions written in the same part of Python, which are put in their place; a name that is None in their module
means what it means where they are called. Two types never meet: float32 times float64 is an error. Plain numbers take
the type of what they meet, and what is stored takes that of the memory. Division and remainder of integers round down,
as in Python; nothing checks for zero.
"""

from __future__ import annotations

import ast
import builtins
import inspect
import operator
import textwrap
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from types import FunctionType
from typing import Any

from llvmlite import ir

from bpnet_backends.on_numba.values import TYPES, UNSIGNED, TranslationError, Value, plain

CONTRACT = ("contract",)
"""A product and a sum may be one operation, which rounds once. Nothing else may be rearranged."""

FLOAT = {ast.Add: "fadd", ast.Sub: "fsub", ast.Mult: "fmul", ast.Div: "fdiv"}
INTEGER = {
    ast.Add: "add",
    ast.Sub: "sub",
    ast.Mult: "mul",
    ast.LShift: "shl",
    ast.RShift: "ashr",
    ast.BitAnd: "and_",
    ast.BitOr: "or_",
    ast.BitXor: "xor",
}
PLAIN = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
"""Of two numbers in the text, computed while it is translated."""

COMPARISON = {ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}


@cache
def definition(function: FunctionType) -> ast.FunctionDef:
    """The tree of a function's text."""
    found = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
    assert isinstance(found, ast.FunctionDef)
    return found


def translated(module: ir.Module, name: str, tree: ast.FunctionDef, known: Mapping[str, Any]) -> None:
    """Put the kernel into `module` as the function `name`; `known` are the things that its text may name."""
    of = ir.FunctionType(ir.VoidType(), [TYPES["int64"]] * len(tree.args.args))
    function = ir.Function(module, of, name)
    kernel = Translation(module, ir.IRBuilder(function.append_basic_block("entry")))
    arguments = [Value("int64", argument) for argument in function.args]
    kernel.body(tree, arguments, known)
    kernel.builder.ret_void()


class Translation:
    """One kernel on its way; `builder` stands where the next instruction goes."""

    def __init__(self, module: ir.Module, builder: ir.IRBuilder) -> None:
        self.module = module
        self.builder = builder
        self._known: Mapping[str, Any] = {}
        self._variables: dict[str, Value] = {}

    def body(self, tree: ast.FunctionDef, arguments: Sequence[Value], known: Mapping[str, Any]) -> Value | None:
        """The statements of a function, with its own variables; what it returns."""
        outer = self._known, self._variables
        self._known, self._variables = known, {}
        for parameter, argument in zip(tree.args.args, arguments, strict=True):
            self._set(parameter.arg, argument)
        result = None
        for statement in tree.body:
            if isinstance(statement, ast.Return) and statement.value is not None:
                result = self.value(statement.value)
            else:
                self._statement(statement)
        self._known, self._variables = outer
        return result

    # ---- statements

    def _statement(self, node: ast.stmt) -> None:
        match node:
            case ast.Expr(ast.Constant(str())):
                pass
            case ast.Expr(ast.Call() as call):
                self.value(call)
            case ast.Assign([ast.Name(name)], value):
                self._set(name, self.value(value))
            case ast.Assign([ast.Tuple(names)], value):
                parts = value.elts if isinstance(value, ast.Tuple) else self.value(value)
                values = [self.value(part) if isinstance(part, ast.expr) else part for part in parts]
                for target, part in zip(names, values, strict=True):
                    assert isinstance(target, ast.Name)
                    self._set(target.id, part)
            case ast.Assign([ast.Subscript(array, index)], value):
                memory = self.value(array)
                made = self.cast(self.value(value), memory.of[1:])
                self.builder.store(made.llvm, self._element(memory, index), align=memory.alignment)
            case ast.AugAssign(ast.Name(name) as target, op, value):
                self._set(name, self.value(ast.BinOp(ast.Name(target.id), op, value)))
            case ast.For(ast.Name(name), ast.Call(ast.Name("range"), [_] | [_, _] as bounds, []), body, []):
                self._loop(name, bounds, body)
            case ast.While(test, body, []):
                self._while(test, body)
            case ast.If(test, body, []):
                with self.builder.if_then(self.truth(self.value(test))):
                    self._statements(body)
            case ast.If(test, body, orelse):
                with self.builder.if_else(self.truth(self.value(test))) as (then, otherwise):
                    with then:
                        self._statements(body)
                    with otherwise:
                        self._statements(orelse)
            case _:
                raise TranslationError(f"there is no translation of: {ast.unparse(node)}")

    def _statements(self, body: Sequence[ast.stmt]) -> None:
        for statement in body:
            self._statement(statement)

    def _loop(self, name: str, bounds: Sequence[ast.expr], body: Sequence[ast.stmt]) -> None:
        low, high = ([ast.Constant(0)] if len(bounds) == 1 else []) + list(bounds)
        start, stop = self.cast(self.value(low), "int64"), self.cast(self.value(high), "int64")
        builder = self.builder
        before = builder.block
        inside, after = builder.append_basic_block("loop"), builder.append_basic_block("after")
        builder.cbranch(builder.icmp_signed("<", start.llvm, stop.llvm), inside, after)
        builder.position_at_end(inside)
        count = builder.phi(TYPES["int64"])
        count.add_incoming(start.llvm, before)
        self._set(name, Value("int64", count))
        self._statements(body)
        following = builder.add(count, TYPES["int64"](1), flags=("nsw",))
        count.add_incoming(following, builder.block)
        builder.cbranch(builder.icmp_signed("<", following, stop.llvm), inside, after)
        builder.position_at_end(after)

    def _while(self, test: ast.expr, body: Sequence[ast.stmt]) -> None:
        builder = self.builder
        again, inside, after = (builder.append_basic_block(name) for name in ("while", "inside", "after"))
        builder.branch(again)
        builder.position_at_end(again)
        builder.cbranch(self.truth(self.value(test)), inside, after)
        builder.position_at_end(inside)
        self._statements(body)
        builder.branch(again)
        builder.position_at_end(after)

    def _set(self, name: str, value: Value | Any) -> None:
        if not isinstance(value, Value):
            raise TranslationError(f"{name} would be {value!r}, which is no value of a kernel")
        if value.of == "number":
            value = self.cast(value, "int64" if isinstance(value.llvm, int) else "float64")
        if name not in self._variables:
            with self.builder.goto_entry_block():
                place = self.builder.alloca(value.llvm.type)
            self._variables[name] = Value(value.of, place)
        variable = self._variables[name]
        if variable.of != value.of:
            raise TranslationError(f"{name} is {variable.of}, and would become {value.of}")
        self.builder.store(value.llvm, variable.llvm)

    # ---- expressions

    def value(self, node: ast.expr) -> Any:
        """What an expression gives: a Value, or a function or module of Python."""
        match node:
            case ast.Constant(bool() as number):
                return Value("bool", TYPES["bool"](int(number)))
            case ast.Constant(int() | float() as number):
                return Value("number", number)
            case ast.Name(name) if name in self._variables:
                variable = self._variables[name]
                return Value(variable.of, self.builder.load(variable.llvm))
            case ast.Name(name):
                return plain(self._known[name] if name in self._known else getattr(builtins, name))
            case ast.Attribute(of, name):
                return plain(getattr(self.value(of), name))
            case ast.Subscript(array, index):
                memory = self.value(array)
                return Value(memory.of[1:], self.builder.load(self._element(memory, index), align=memory.alignment))
            case ast.UnaryOp(op, operand):
                return self._unary(op, self.value(operand))
            case ast.BinOp(left, op, right):
                return self._binary(op, self.value(left), self.value(right))
            case ast.Compare(left, ops, rights):
                parts = [self.value(part) for part in (left, *rights)]
                tests = [self._compare(op, a, b) for op, a, b in zip(ops, parts, parts[1:], strict=False)]
                return self._joined(tests, self.builder.and_)
            case ast.BoolOp(op, parts):
                join = self.builder.and_ if isinstance(op, ast.And) else self.builder.or_
                return self._joined([Value("bool", self.truth(self.value(part))) for part in parts], join)
            case ast.IfExp(test, body, orelse):
                return self._chosen(self.value(test), self.value(body), self.value(orelse))
            case ast.Tuple(parts):
                return tuple(self.value(part) for part in parts)
            case ast.Call(function, args, []):
                return self._call(self.value(function), [self.value(arg) for arg in args])
            case _:
                raise TranslationError(f"there is no translation of: {ast.unparse(node)}")

    def cast(self, x: Value, to: str) -> Value:
        """`x` as a value of type `to`."""
        if x.of == to:
            return x
        target = TYPES[to]
        if x.of == "number" and isinstance(x.llvm, float) and not to.startswith("float"):
            raise TranslationError(f"{x.llvm} meets {to}: the fraction would be lost")
        if x.of == "number":
            number = float(x.llvm) if to.startswith("float") else int(x.llvm)
            return Value(to, target([number] * target.count if "x" in to else number))
        if x.is_float and to.startswith("float"):
            convert = self.builder.fpext if to == "float64" else self.builder.fptrunc
        elif x.is_float:
            convert = self.builder.fptosi
        elif to.startswith("float"):
            convert = self.builder.uitofp if x.of in UNSIGNED else self.builder.sitofp
        elif target.width < TYPES[x.of].width:
            convert = self.builder.trunc
        else:
            convert = self.builder.zext if x.of in UNSIGNED else self.builder.sext
        return Value(to, convert(x.llvm, target))

    def truth(self, x: Value) -> Any:
        """`x` as a condition."""
        if x.of != "bool":
            raise TranslationError(f"a condition is {x.of}, not bool")
        return x.llvm

    def _element(self, memory: Value, index: ast.expr) -> Any:
        return self.builder.gep(memory.llvm, [self.cast(self.value(index), "int64").llvm])

    def _call(self, function: Any, args: list[Any]) -> Any:
        from bpnet_backends.on_numba.words import WORDS

        if function in WORDS:
            return WORDS[function](self, *args)
        if not isinstance(function, FunctionType):
            raise TranslationError(f"a kernel cannot call {function!r}")
        open_names = (name for name, value in function.__globals__.items() if value is None and name in self._known)
        known = {**function.__globals__, **{name: self._known[name] for name in open_names}}
        return self.body(definition(function), args, known)

    def _unary(self, op: ast.unaryop, x: Value) -> Value:
        if isinstance(op, ast.Not):
            return Value("bool", self.builder.not_(self.truth(x)))
        if isinstance(op, ast.UAdd):
            return x
        if not isinstance(op, ast.USub):
            raise TranslationError(f"there is no translation of {op}")
        if x.of == "number":
            return Value("number", -x.llvm)
        return Value(x.of, self.builder.fneg(x.llvm) if x.is_float else self.builder.neg(x.llvm))

    def _binary(self, op: ast.operator, a: Value, b: Value) -> Value:
        if a.of == b.of == "number":
            if type(op) not in PLAIN:
                raise TranslationError(f"{type(op).__name__} of two plain numbers has no translation")
            return Value("number", PLAIN[type(op)](a.llvm, b.llvm))
        a, b = self.alike(a, b)
        if isinstance(op, ast.Pow) and a.is_float:
            return Value(a.of, self.intrinsic("pow", a, b))
        if a.is_float and type(op) in FLOAT:
            return Value(a.of, getattr(self.builder, FLOAT[type(op)])(a.llvm, b.llvm, flags=CONTRACT))
        if a.of in ("int64", "int32") and type(op) in INTEGER:
            return Value(a.of, getattr(self.builder, INTEGER[type(op)])(a.llvm, b.llvm))
        if a.of in ("int64", "int32") and isinstance(op, ast.FloorDiv | ast.Mod):
            return self._rounded_down(op, a, b)
        raise TranslationError(f"{a.of} {type(op).__name__} {b.of} has no translation")

    def _rounded_down(self, op: ast.operator, a: Value, b: Value) -> Value:
        """LLVM rounds a quotient towards 0, and gives the remainder the sign of a."""
        builder, zero = self.builder, TYPES[a.of](0)
        rest = builder.srem(a.llvm, b.llvm)
        uneven = builder.icmp_signed("!=", rest, zero)
        below = builder.and_(uneven, builder.icmp_signed("<", builder.xor(rest, b.llvm), zero))
        if isinstance(op, ast.Mod):
            return Value(a.of, builder.select(below, builder.add(rest, b.llvm), rest))
        return Value(a.of, builder.sub(builder.sdiv(a.llvm, b.llvm), builder.zext(below, zero.type)))

    def _compare(self, op: ast.cmpop, a: Value, b: Value) -> Value:
        if type(op) not in COMPARISON:
            raise TranslationError(f"{type(op).__name__} has no translation")
        a, b = self.alike(a, b)
        sign = COMPARISON[type(op)]
        if not a.is_float:
            compare = self.builder.icmp_unsigned if a.of in UNSIGNED else self.builder.icmp_signed
            return Value("bool", compare(sign, a.llvm, b.llvm))
        compare = self.builder.fcmp_unordered if sign == "!=" else self.builder.fcmp_ordered
        return Value("bool", compare(sign, a.llvm, b.llvm))

    def _chosen(self, test: Value, a: Value, b: Value) -> Value:
        a, b = self.alike(a, b)
        return Value(a.of, self.builder.select(self.truth(test), a.llvm, b.llvm))

    def _joined(self, tests: Sequence[Value], join: Callable[[Any, Any], Any]) -> Value:
        first, *rest = tests
        result = self.truth(first)
        for test in rest:
            result = join(result, self.truth(test))
        return Value("bool", result)

    def alike(self, a: Value, b: Value) -> tuple[Value, Value]:
        """Both in one type, which must be that of both; a plain number takes that of the other."""
        if a.of == b.of == "number":
            of = "int64" if isinstance(a.llvm, int) and isinstance(b.llvm, int) else "float64"
            return self.cast(a, of), self.cast(b, of)
        a = self.cast(a, b.of) if a.of == "number" else a
        b = self.cast(b, a.of) if b.of == "number" else b
        if a.of != b.of:
            raise TranslationError(f"{a.of} meets {b.of}: one of them has to be converted")
        return a, b

    def intrinsic(self, name: str, *args: Value) -> Any:
        """One of LLVM's own functions, of the type of its arguments."""
        of = TYPES[args[0].of]
        function = self.module.declare_intrinsic(f"llvm.{name}", [of], ir.FunctionType(of, [of] * len(args)))
        return self.builder.call(function, [arg.llvm for arg in args], fastmath=CONTRACT)
