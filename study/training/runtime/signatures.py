"""Whether a function of the user's own can be called as the project calls it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from search_spaces.validation import alternatives, closest_match


@dataclass(frozen=True)
class SignatureFault:
    """What is wrong: an option that the function doesn't take, or how it is called at all."""

    option: str
    """The option that is at fault; empty where it is the function."""
    must: str
    found: str
    accepted: str = ""
    meant: str = ""

    def __str__(self) -> str:
        accepted = f"; accepted {self.accepted}" if self.accepted else ""
        meant = f" (did you mean {self.meant}?)" if self.meant else ""
        return f"{self.must}; found {self.found}{accepted}{meant}"


def signature_fault(
    function: Callable[..., Any],
    name: str,
    positional: tuple[str, ...],
    options: Mapping[str, Any],
) -> SignatureFault | None:
    """Return the first fault of calling a function with so many arguments and these options.

    ``positional`` are what the arguments are called in messages. None where nothing is wrong, or
    where the function doesn't say what it takes.
    """
    try:
        signature = inspect.signature(function)
    except (ValueError, TypeError):
        return None
    parameters = signature.parameters.values()
    takes_any = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters)
    named = [p.name for p in parameters if p.kind in (p.KEYWORD_ONLY, p.POSITIONAL_OR_KEYWORD)]
    accepted = named[_count_positional(signature, len(positional)) :]
    for option in options:
        if not takes_any and option not in accepted:
            must = f"must be an argument of {name}"
            guess = closest_match(option, accepted) or ""
            return SignatureFault(option, must, repr(option), alternatives(accepted), guess)
    try:
        signature.bind(*positional, **options)
    except TypeError as error:
        call = ", ".join([*positional, *(f"{option}=…" for option in options)])
        return SignatureFault("", f"{name} must take ({call})", f"{name}{signature}: {error}")
    return None


def _count_positional(signature: inspect.Signature, count: int) -> int:
    """Count the named parameters that the first ``count`` arguments fill."""
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD,)
    positional_only = sum(
        parameter.kind is parameter.POSITIONAL_ONLY for parameter in signature.parameters.values()
    )
    fillable = sum(parameter.kind in kinds for parameter in signature.parameters.values())
    return min(fillable, max(0, count - positional_only))
