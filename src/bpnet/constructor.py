"""What an object was made with, read off it: as in scikit-learn, a parameter is the attribute of the same name.

`bpnet.formats` saves objects so, and `repr` writes the call that makes one again.
"""

from __future__ import annotations

import inspect
import os
from functools import partial
from inspect import Parameter
from numbers import Real
from reprlib import recursive_repr
from typing import Any


def constructor_parameters(cls: type, where: str = "class") -> dict[str, Parameter]:
    """What the constructor takes; where it hands on **settings, what its bases take by name too.

    TypeError: it takes *arguments; `where` names the class in it.
    """
    found: dict[str, Parameter] = {}
    for base in cls.__mro__:
        constructor = base.__dict__.get("__init__")
        if constructor is None or base is object:
            continue
        everything = not found  # nothing was named by a class that hands on its settings
        parameters = list(inspect.signature(constructor).parameters.values())[1:]
        for parameter in parameters:
            if parameter.kind is parameter.VAR_POSITIONAL:
                raise TypeError(f"{where}: {cls.__name__} takes *{parameter.name}. Mend: a name for each parameter")
            optional = parameter.default is not parameter.empty or parameter.kind is parameter.KEYWORD_ONLY
            named = parameter.kind is not parameter.VAR_KEYWORD and (everything or optional)
            if named and parameter.name not in found:
                found[parameter.name] = parameter
        if not any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
            break
    return found


class Written:
    """`repr` is the call that makes the object again, with what differs from the defaults: `Adam(beta_1=0.8)`.

    It never raises: what cannot be read off an object, because its class does not keep it, is an ellipsis.
    """

    def as_given(self, name: str, default: Any) -> Any:
        """The setting of that name, in a form in which the constructor takes it; `default` is the parameter's."""
        return getattr(self, name)

    @recursive_repr("…")
    def __repr__(self) -> str:
        name = type(self).__name__
        try:
            parameters = constructor_parameters(type(self))
        except (TypeError, ValueError):  # it takes *arguments, or has no signature
            return f"{name}(…)"
        parts, is_whole = [], True
        for parameter in parameters.values():
            try:
                value = self.as_given(parameter.name, parameter.default)
            except Exception:  # not kept, or a property that fails; a repr has to say something all the same
                is_whole = False
                continue
            if parameter.default is parameter.empty and parameter.kind is not parameter.KEYWORD_ONLY and is_whole:
                parts.append(text(value))
            elif not equal(value, parameter.default):
                parts.append(f"{parameter.name}={text(value)}")
        return f"{name}({', '.join([*parts, *([] if is_whole else ['…'])])})"


def text(value: Any) -> str:
    """`repr(value)`, of a function its name, of a NumPy scalar its number, of a path its text; else the class."""
    kind = type(value).__name__
    if isinstance(value, partial):
        settings = [f"{name}={text(item)}" for name, item in value.keywords.items()]
        return f"partial({', '.join([text(value.func), *map(text, value.args), *settings])})"
    if inspect.isroutine(value) or isinstance(value, type):
        return str(getattr(value, "__name__", kind))
    try:
        if isinstance(value, os.PathLike):
            return repr(os.fspath(value))
        return repr(value.item() if isinstance(value, Real) and hasattr(value, "item") else value)
    except Exception:  # another library's, or a user's
        return f"<{kind}>"


def equal(value: Any, other: Any) -> bool:
    """`value == other`; False where that is no answer, as of arrays."""
    try:
        return value is other or bool(value == other)
    except Exception:  # no truth value, or a user's own comparison
        return False
