"""The tokens that open the page: one for everything, and one that only reads.

They are made at the first start and kept in the user's configuration folder, readable by the user
alone.
"""

from __future__ import annotations

import hmac
import os
import secrets
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from study.errors import UserError
from study.execution.user.configuration import configuration_folder
from study.files.atomic import make_folder, write_whole

_FEWEST_CHARACTERS = 16
ENVIRONMENT = "STUDY_TOKEN"


class Rights(Enum):
    """What a token lets its bearer do."""

    READ = "read"
    FULL = "full"


@dataclass(frozen=True)
class Tokens:
    """The tokens of one server."""

    full: str
    read_only: str | None = None
    """Made for handing it around; None where nobody asked for one."""

    def rights_of(self, token: str) -> Rights | None:
        """Return what a token gives; None where it is none of ours. It takes the same time for
        every token that is wrong.
        """
        given = token.encode(errors="replace")
        is_full = hmac.compare_digest(given, self.full.encode())
        is_read_only = hmac.compare_digest(given, (self.read_only or secrets.token_hex()).encode())
        if is_full:
            return Rights.FULL
        return Rights.READ if is_read_only else None


def load_tokens(share: bool) -> Tokens:
    """Return the tokens of this user's servers, made where there are none yet.

    The environment's STUDY_TOKEN takes the place of the full one; UserError where it is so short
    that it could be guessed.
    """
    full = os.environ.get(ENVIRONMENT)
    if full is None:
        full = _kept_token("token")
    elif len(full) < _FEWEST_CHARACTERS or not full.isascii() or not full.isprintable():
        raise UserError(
            f"{ENVIRONMENT} must be {_FEWEST_CHARACTERS} characters of ASCII or more, so that"
            " nobody guesses it"
        )
    return Tokens(full, _kept_token("read-only-token") if share else None)


def _kept_token(name: str) -> str:
    """Return the token that is kept under a name; one that nobody can guess where none is."""
    path = configuration_folder() / "page" / name
    try:
        token = _read(path)
    except FileNotFoundError:
        make_folder(path.parent)
        write_whole(path, secrets.token_urlsafe(32))
        token = _read(path)
    if len(token) < _FEWEST_CHARACTERS:
        raise UserError(f"{path} must hold a token; remove it, and another one is made")
    return token


def _read(path: Path) -> str:
    if path.stat().st_mode & 0o077:
        raise UserError(f"{path} can be read by others than you: remove it, or chmod 600 it")
    return path.read_text(errors="replace").strip()
