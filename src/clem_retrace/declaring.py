"""How an option is declared: a field of a dataclass that carries its help, unit and bounds.

Whoever shows or reads options works on a `Declaration`; `OptionGroup` checks values against it.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Union, get_args, get_origin

from clem_retrace.errors import InvalidOption, shown
from clem_retrace.pixels import real_number

__all__ = ["Declaration", "OptionGroup", "declare", "hints", "option"]


@dataclass(frozen=True, slots=True)
class Declaration:
    """What is known of one option besides its value.

    Attributes
    ----------
    group : str
        Field of `RegistrationOptions` that holds it; empty for its own fields.
    name : str
        Field name within the group.
    kind : type
        bool, int, float or str.
    optional : bool
        Whether None ("choose it yourself") is a value.
    choices : tuple of str
        For a str, the values there are.
    default : object
    help, unit : str
    minimum, maximum, step : float or None
    advanced : bool
        Folded away in the form.
    """

    group: str
    name: str
    kind: type
    optional: bool
    choices: tuple[str, ...]
    default: Any
    help: str
    unit: str
    minimum: float | None
    maximum: float | None
    step: float | None
    advanced: bool

    @property
    def path(self) -> str:
        """The option's full name, such as ``histogram.overlap``."""
        return f"{self.group}.{self.name}" if self.group else self.name

    @property
    def flag(self) -> str:
        """The option on the command line, such as ``--histogram-overlap``."""
        return "--" + self.path.replace(".", "-").replace("_", "-")


def option(
    default: Any,
    help: str,
    *,
    unit: str = "",
    minimum: float | None = None,
    maximum: float | None = None,
    step: float | None = None,
    advanced: bool = True,
) -> Any:
    """Return a dataclass field that declares an option."""
    return field(
        default=default,
        metadata={
            "help": help,
            "unit": unit,
            "minimum": minimum,
            "maximum": maximum,
            "step": step,
            "advanced": advanced,
        },
    )


@functools.cache
def hints(owner: type) -> Mapping[str, Any]:
    """Return the types of a class's fields: they are text, and slow to evaluate."""
    return typing.get_type_hints(owner)


def declare(owner: type, group: str, item: dataclasses.Field[Any]) -> Declaration:
    """Return the declaration of a field of a class, which is a group of this name."""
    hint = hints(owner)[item.name]
    members = [hint]
    if get_origin(hint) in (Union, types.UnionType):
        members = [member for member in get_args(hint) if member is not type(None)]
    (member,) = members
    choices = get_args(member) if get_origin(member) is Literal else ()
    return Declaration(
        group=group,
        name=item.name,
        kind=str if choices else member,
        optional=type(None) in get_args(hint),
        choices=choices,
        default=item.default,
        **item.metadata,
    )


def _check(declared: Declaration, value: Any) -> Any:
    """Return `value` in the declared type, or raise `InvalidOption`."""
    name = declared.path
    if value is None and declared.optional:
        return None
    if declared.kind is bool and isinstance(value, bool):
        return value
    if declared.kind is str:
        if not isinstance(value, str) or value not in declared.choices:
            raise InvalidOption(
                f"{name} is {shown(value)}: choose one of {', '.join(declared.choices)}"
            )
        return value
    if declared.kind is bool or isinstance(value, (bool, str)) or value is None:
        raise InvalidOption(
            f"{name} is {shown(value)}: a value of type {declared.kind.__name__} is needed"
        )
    if not math.isfinite(real_number(value)) or declared.kind(value) != value:
        raise InvalidOption(
            f"{name} is {shown(value)}: a finite value of type {declared.kind.__name__} is needed"
        )
    number = declared.kind(value)
    low, high, unit = declared.minimum, declared.maximum, declared.unit
    if (low is not None and number < low) or (high is not None and number > high):
        bounds = " ".join(
            part
            for part in (
                f"at least {low:g}" if low is not None else "",
                f"at most {high:g}" if high is not None else "",
                unit,
            )
            if part
        )
        raise InvalidOption(f"{name} is {number:g}: it must be {bounds}")
    return number


class OptionGroup:
    """Base of the groups: values are checked against their declarations when made."""

    __slots__ = ()

    def __post_init__(self) -> None:
        """Check every value against its declaration."""
        for item in dataclasses.fields(self):  # type: ignore[arg-type]
            value = getattr(self, item.name)
            if item.metadata:
                declared = declare(type(self), "", item)
                object.__setattr__(self, item.name, _check(declared, value))
            elif not isinstance(value, type(item.default)):
                raise InvalidOption(
                    f"{item.name} is {shown(value)}: {type(item.default).__name__} is needed"
                )
