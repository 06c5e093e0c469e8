"""Objects as JSON and back: a class by its name, and its settings, without pickle and without an import.

As in scikit-learn, every parameter of a constructor can be read off the object as the attribute of that name. A name
in a file is looked up among bpnet's own classes, or among the `custom_objects` that the reader was given; it is never
imported. {"kind": "layer", "class": "Dropout", "settings": {"rate": 0.5}}
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from numbers import Real
from typing import Any, TypeAlias

from bpnet.constructor import constructor_parameters
from bpnet.formats.registry import FORMULAS, own_classes, own_kind
from bpnet.nn.layer import Layer

Custom: TypeAlias = Mapping[str, Callable[..., Any]]
"""Classes and functions of the user's own by the names that a file calls them."""

CUSTOM = "custom"


def described(thing: Any, where: str, custom: Custom | None = None) -> Any:
    """`thing` as JSON; `where` names it in errors.

    Classes and functions that are not bpnet's own are called by their names, which have to be among `custom` where that
    is given. TypeError: they are not, or have no name, or an object does not keep what it was made with.
    """
    if thing is None or isinstance(thing, bool | str | Real):
        return thing
    if isinstance(thing, list | tuple):
        return [described(item, f"{where}[{i}]", custom) for i, item in enumerate(thing)]
    if isinstance(thing, Mapping):
        return {"kind": "dictionary", "items": _items(thing, where, custom)}
    if isinstance(thing, partial | type) or inspect.isroutine(thing) or hasattr(thing, "__qualname__"):
        return _described_function(thing, where, custom)
    return _described_object(thing, where, custom)


def built(description: Any, custom: Custom | None = None) -> Any:
    """The inverse of `described`. ValueError: an unknown name; and whatever a constructor says to its settings."""
    if isinstance(description, list):
        return [built(item, custom) for item in description]
    if not isinstance(description, dict):
        return description
    kind = description["kind"]
    if kind == "dictionary":
        return {name: built(item, custom) for name, item in description["items"].items()}
    settings = {name: built(item, custom) for name, item in description["settings"].items()}
    name = description["class" if kind in own_classes() or kind == CUSTOM else "function"]
    if kind == CUSTOM or kind == f"{CUSTOM} function":
        if custom is None or name not in custom:
            raise ValueError(f"{name!r} is not bpnet's own. Mend: custom_objects={{{name!r}: {name}}}")
        cls: Callable[..., Any] = custom[name]
    else:
        known = FORMULAS if kind == "function" else own_classes().get(kind, {})
        if name not in known:
            raise ValueError(f"this bpnet has no {kind} {name!r}. Mend: a newer bpnet")
        cls = known[name]
    if kind.endswith("function"):
        return partial(cls, **settings) if settings else cls
    return cls(**settings)


def _described_object(thing: Any, where: str, custom: Custom | None) -> dict[str, Any]:
    cls = type(thing)
    kind = own_kind(cls)
    if kind is None:
        _require_known(cls, where, custom)
    settings = {}
    for name in constructor_parameters(cls, where):
        if isinstance(thing, Layer) and name == "name":
            continue  # it belongs to the place in the model
        if not hasattr(thing, name):
            raise TypeError(
                f"{where}: {cls.__name__} is made with {name!r} but does not keep it. "
                f"Mend: self.{name} = {name} in its __init__"
            )
        settings[name] = described(getattr(thing, name), f"{where}: {name}", custom)
    found = {"kind": kind or CUSTOM, "class": cls.__name__, "settings": settings}
    if kind is None:
        _require_same_again(thing, found, where, custom)
    return found


def _described_function(thing: Any, where: str, custom: Custom | None) -> dict[str, Any]:
    function, settings = (thing.func, thing.keywords) if isinstance(thing, partial) else (thing, {})
    if isinstance(thing, partial) and thing.args:
        raise TypeError(f"{where}: {thing!r} was given. Mend: settings by name: partial(function, name=value)")
    name = getattr(function, "__name__", repr(function))
    own = FORMULAS.get(name) is function
    if not own:
        _require_known(function, where, custom)
    kind = "function" if own else f"{CUSTOM} function"
    return {"kind": kind, "function": name, "settings": _items(settings, where, custom)}


def _items(thing: Mapping[str, Any], where: str, custom: Custom | None) -> dict[str, Any]:
    for name in thing:
        if not isinstance(name, str):
            raise TypeError(f"{where}: the key {name!r} was given, expected text")
    return {name: described(item, f"{where}[{name!r}]", custom) for name, item in thing.items()}


def _require_known(thing: Any, where: str, custom: Custom | None) -> None:
    """TypeError unless it has a name that it can be found by, in `custom` where that is given."""
    name = getattr(thing, "__name__", "")
    if not name.isidentifier():
        raise TypeError(
            f"{where}: {name or repr(thing)} cannot be saved, because it has no name to be found by. "
            "Mend: def a function with a name, and name it in custom_objects"
        )
    if isinstance(thing, type) and thing.__module__ in ("builtins", "numpy"):
        raise TypeError(
            f"{where}: an object of {thing.__module__}.{name} cannot be saved as a setting, expected numbers, text, "
            "lists, or objects whose constructor's parameters are their attributes"
        )
    if custom is not None and custom.get(name) is not thing:
        raise TypeError(
            f"{where}: {name} is not bpnet's own, so that who loads the file has to bring it. "
            f"Mend: model.save(path, custom_objects={{{name!r}: {name}}}), and the same in load_model"
        )


def _require_same_again(thing: Any, found: dict[str, Any], where: str, custom: Custom | None) -> None:
    """TypeError where an object of a user's class is not made again by its settings."""
    cls = type(thing)
    mend = f"Mend: {cls.__name__}.__init__ names all its parameters and keeps them as attributes of the same names"
    try:
        settings = {name: getattr(thing, name) for name in found["settings"]}
        again = cls(**settings)
        same = all(_same(getattr(again, name), value, custom) for name, value in settings.items())
    except Exception as error:
        raise TypeError(
            f"{where}: {cls.__name__} cannot be made again with its own settings ({type(error).__name__}: {error}). "
            f"{mend}"
        ) from error
    if not same:
        raise TypeError(f"{where}: {cls.__name__}, made again with its own settings, has others. {mend}")


def _same(a: Any, b: Any, custom: Custom | None) -> bool:
    return a is b or bool(described(a, "", custom) == described(b, "", custom))
