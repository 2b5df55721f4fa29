"""``notify:``, who is told what of a study. Addresses, tokens and commands never stand in a file of
the study: only where its driver finds them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from study.spec.parts.file_section import FileSection
from study.validation.numbers import ZeroOrMore
from study.validation.section import OneOrMore, rule

Occasion = Literal["end", "fault", "interruption", "best"]
"""What is told: that the study is done, that it can't go on, that it was interrupted, that a point
is better than all before.
"""
_WHERE = "{env: NAME} | {file: PATH}"
_NEVER_HERE = "must say where the driver finds the address, never the address itself"


def _no_literal(value: object) -> object:
    if isinstance(value, Mapping | Place):
        return value
    raise rule(_NEVER_HERE, found="something else", accepted=_WHERE)  # which may be a secret


def _variable(value: object) -> object:
    if isinstance(value, str) and re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", value):
        return value
    raise rule("must be the name of an environment variable", found="something else")


def _path(value: object) -> object:
    if isinstance(value, str) and value and "://" not in value and "@" not in value:
        return value
    raise rule("must be the path of a file", found="something else")


class Place(FileSection):
    """Where the study's driver finds an address, a token or a command."""

    env: Annotated[str, BeforeValidator(_variable)] | None = None
    """an environment variable of the driver"""
    file: Annotated[str, BeforeValidator(_path)] | None = None
    """a file on the driver's machine"""

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.env is None) == (self.file is None):
            raise rule(_NEVER_HERE, found="neither or both", accepted=_WHERE)
        return self

    @property
    def name(self) -> str:
        """The place as it may be told: ``env SLACK_URL``."""
        return f"env {self.env}" if self.env else f"file {self.file}"


class Notice(FileSection):
    """Who is told what."""

    to: Literal["slack", "discord", "json", "mail", "command"]
    """slack, discord and json are webhooks, mail goes through SMTP, a command gets JSON to read"""
    at: Annotated[Place, BeforeValidator(_no_literal)]
    """where the driver finds the address, the token or the command"""
    on: Annotated[tuple[Occasion, ...], OneOrMore(most=4)] = Field(
        default=("end", "fault", "interruption")
    )
    """what is told"""
    every_min: ZeroOrMore = 30.0
    """minutes between two notices of a new best, at least"""

    @property
    def receiver(self) -> str:
        """Whom it goes to, as it may be told and recorded: ``slack, env SLACK_URL``."""
        return f"{self.to}, {self.at.name}"
