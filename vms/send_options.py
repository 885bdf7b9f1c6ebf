"""The options of ``vms send`` that the contract makes: one for each parameter of a campaign."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from typing import Any, Final, Literal, TypeAlias, get_args, get_origin, get_type_hints

import click

from voice_client import VoiceCampaignOptions

_ELSEWHERE: Final = frozenset({"simulation_mode"})
"""What another option of the command sets: --dry-run."""

_Settings: TypeAlias = Mapping[str, Any]


def moment(_: click.Context, __: click.Parameter, value: str | None) -> datetime | None:
    """Read a moment in ISO 8601 with its offset from UTC, without which it would be a guess.

    Raises:
        click.BadParameter: it is none; the message has one that is.
    """
    if value is None:
        return None
    try:
        read = datetime.fromisoformat(value)
    except ValueError as error:
        wrong = f"{value!r} is no moment; write 2026-12-24T18:00:00+01:00"
        raise click.BadParameter(wrong) from error
    if read.utcoffset() is None:
        told = read.isoformat()
        raise click.BadParameter(
            f"{value!r} does not say in which time zone; "
            f"write {told}+01:00, with the offset from UTC that is meant, or {told}Z for UTC"
        )
    return read


def _choice(hint: object) -> _Settings:
    return {"type": click.Choice(get_args(hint))}


# Absent is not false: then the API decides.
_KINDS: Final[Mapping[object, Callable[[object], _Settings]]] = {
    Literal: _choice,
    bool: lambda _: {"default": None},
    datetime: lambda _: {"callback": moment, "metavar": "MOMENT"},
    float: lambda _: {"type": float},
    int: lambda _: {"type": int},
    str: lambda _: {"type": str},
}


@cache
def of_the_contract(parameters: type = VoiceCampaignOptions) -> tuple[click.Option, ...]:
    """An option for each of the parameters that can be written as one word.

    Args:
        parameters: a typed dict, by default the generated one.
    """
    helps = _descriptions(parameters)
    made = list[click.Option]()
    for name, hint in get_type_hints(parameters).items():
        settings = _KINDS.get(get_origin(hint) or hint)
        if settings is not None and name not in _ELSEWHERE:
            words = name.replace("_", "-").strip("-")
            flag = f"--{words}/--no-{words}" if hint is bool else f"--{words}"
            made.append(click.Option([name, flag], help=helps.get(name), **settings(hint)))
    return tuple(made)


def _descriptions(parameters: type) -> dict[str, str]:
    """The text behind each field, which Python itself forgets."""
    (body,) = ast.parse(textwrap.dedent(inspect.getsource(parameters))).body
    assert isinstance(body, ast.ClassDef)  # noqa: S101  (for mypy)
    return {
        ast.unparse(field.target): str(text.value.value)
        for field, text in zip(body.body, body.body[1:], strict=False)
        if isinstance(field, ast.AnnAssign)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
    }
