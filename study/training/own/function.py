"""A training function of the user's own: found by its name, its parameters looked at, its config
made. Nothing here needs torch.
"""

from __future__ import annotations

import copy
import importlib
import inspect
import pkgutil
import re
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from search_spaces.validation import closest_match, describe
from study.errors import UserError
from study.training.own.typed_config import is_structured, made_config

_REFERENCE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")
_SIGNATURE = "FUNCTION(config, session)"
_PLAIN_ANNOTATIONS = (dict, Mapping, Any, inspect.Parameter.empty)


@dataclass(frozen=True)
class TrainFunction:
    """A training function, and what it takes its config as."""

    reference: str
    """``package.module:function``."""
    call: Callable[[Any, Any], Any]
    config_type: type | None
    """The dataclass or pydantic model that its config is annotated with; None for a dict."""


def load_function(reference: str) -> TrainFunction:
    """Import the function that ``package.module:function`` names.

    Raises UserError where there is none, or where it can't be called with a config and a session.
    What importing its module raises, other than that the module isn't there, passes through.
    """
    if not _REFERENCE.fullmatch(reference):
        raise UserError(
            f"a training function is named as package.module:function, not {describe(reference)}"
        )
    module_name, _, name = reference.partition(":")
    module = _import_module(module_name)
    if not hasattr(module, name):
        raise UserError(_missing_function(module, name))
    function = getattr(module, name)
    _check_kind(reference, function)
    return TrainFunction(reference, function, _config_type(reference, function))


def make_config(config_type: type | None, tree: Mapping[str, Any]) -> Any:
    """Make what a training function is called with from nested plain data.

    That is a dict of its own, or an instance of ``config_type``; raises UserError with a line for
    each value that it doesn't take.
    """
    if config_type is None:
        return copy.deepcopy(dict(tree))
    made, faults = made_config(config_type, tree)
    if faults:
        raise UserError("\n".join(map(str, faults)))
    return made


def _import_module(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if missing != name and not name.startswith(f"{missing}."):
            raise  # the module is there, and imports one that isn't
        raise UserError(f"there is no module {missing}{_known_modules(missing)}") from None


def _known_modules(missing: str) -> str:
    """Return the nearest module beside one that isn't there, as the end of a sentence."""
    package, _, name = missing.rpartition(".")
    folders = getattr(importlib.import_module(package), "__path__", []) if package else None
    names = [module.name for module in pkgutil.iter_modules(folders)]
    nearest = closest_match(name, names)
    whole = f"{package}.{nearest}" if package else nearest
    return f" (did you mean {whole}?)" if nearest else ""


def _missing_function(module: ModuleType, name: str) -> str:
    names = [
        each
        for each, value in vars(module).items()
        if callable(value) and getattr(value, "__module__", "") == module.__name__
    ]
    nearest = closest_match(name, names)
    suggestion = f" (did you mean {module.__name__}:{nearest}?)" if nearest else ""
    return f"the module {module.__name__} has no function {name}{suggestion}"


def _check_kind(reference: str, function: object) -> None:
    """Raise UserError unless it is a function that trains when it is called."""
    if not callable(function) or inspect.isclass(function):
        raise UserError(f"{reference} must be a function; found {type(function).__name__}")
    for is_kind, kind in (
        (inspect.iscoroutinefunction, "a coroutine (async def)"),
        (inspect.isgeneratorfunction, "a generator (it has yield in it)"),
        (inspect.isasyncgenfunction, "an asynchronous generator"),
    ):
        if is_kind(function):
            raise UserError(f"{reference} must be a plain function; found {kind}")
    try:
        inspect.signature(function).bind(None, None)
    except TypeError:
        found = f"{reference.partition(':')[2]}{inspect.signature(function)}"
        raise UserError(f"{reference} must be {_SIGNATURE}; found {found}") from None


def _config_type(reference: str, function: Callable[..., Any]) -> type | None:
    """Return the class that a function's config is annotated with; None for a dict."""
    first = next(iter(inspect.signature(function).parameters.values()))
    annotation = _looked_up(first.annotation, function)
    if (typing.get_origin(annotation) or annotation) in _PLAIN_ANNOTATIONS:
        return None
    if isinstance(annotation, type) and is_structured(annotation):
        return annotation
    raise UserError(
        f"{reference}: {first.name} must be annotated with dict, a dataclass or a pydantic model,"
        f" or not at all; found {describe(inspect.formatannotation(annotation))}"
    )


def _looked_up(annotation: Any, function: Callable[..., Any]) -> Any:
    """Return what an annotation that is written as text stands for, as far as that can be found."""
    if not isinstance(annotation, str):
        return annotation
    scope = getattr(inspect.unwrap(function), "__globals__", {})
    holder = type("Holder", (), {"__annotations__": {"config": annotation}})
    try:
        return typing.get_type_hints(holder, globalns=scope)["config"]
    except (NameError, AttributeError, TypeError, SyntaxError):
        return annotation
