"""Clients of object stores, and their errors as those of a file system."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import cache
from typing import Any

_RETRIES = {"max_retries": 4, "retry_timeout": timedelta(seconds=20)}
"""What a client does by itself. Who can wait longer for a store that is away does so on top."""

_LONGEST_MESSAGE = 300
_NO_BUCKET = "NoSuchBucket"
_MEANINGS = {
    _NO_BUCKET: "there is no such bucket",
    "<Code>AccessDenied": "access is denied",
}


class _StoreError(OSError):
    """An object store that doesn't do what is asked, as the error of a file system."""


@contextmanager
def errors_as_os_errors(where: str) -> Iterator[None]:
    """Raise an object store's errors as FileExistsError, also where what was to be replaced has
    changed, FileNotFoundError, NotADirectoryError for a bucket that isn't there, or else OSError,
    one line each, which name ``where``.
    """
    from obstore.exceptions import AlreadyExistsError, BaseError, PreconditionError

    try:
        yield
    except (AlreadyExistsError, PreconditionError):
        raise FileExistsError(where) from None
    except FileNotFoundError:
        raise FileNotFoundError(2, "no such object", where) from None
    except BaseError as error:
        if _NO_BUCKET in str(error):
            raise NotADirectoryError(20, _MEANINGS[_NO_BUCKET], where) from None
        raise _StoreError(5, _one_line(error), where) from None


def _one_line(error: Exception) -> str:
    """The one line that says what went wrong, out of a client's many."""
    text = str(error)
    for code, meaning in _MEANINGS.items():
        if code in text:
            return meaning
    first_line = text.partition("\n")[0].strip()
    return first_line.partition("Debug source")[0][:_LONGEST_MESSAGE]


@cache
def client(root: str) -> Any:
    """The client of the bucket ``root``, such as ``s3://lab``. Its settings are the environment's,
    as for other tools (AWS_ENDPOINT_URL, …).
    """
    from obstore.store import from_url

    plain_http = any(
        os.environ.get(name, "").startswith("http://")
        for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3")
    )
    options: dict[str, Any] = {
        "client_options": {"allow_http": plain_http},
        "retry_config": _RETRIES,
    }
    if root.startswith("s3:"):
        options |= _s3_options()
    return from_url(root, **options)


def _s3_options() -> dict[str, Any]:
    """What the client doesn't take from the environment by itself."""
    options: dict[str, Any] = {}
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3")
    if endpoint:
        options["endpoint"] = endpoint
    if "AWS_ACCESS_KEY_ID" not in os.environ:
        options |= _profile_credentials()
    return options


def _profile_credentials() -> dict[str, Any]:
    """The credentials of ``~/.aws``, where boto3 is installed to read them; without any, those of
    the instance count.
    """
    try:
        from boto3 import Session
        from obstore.auth.boto3 import Boto3CredentialProvider
    except ImportError:
        return {}
    session = Session()
    if session.get_credentials() is None:
        return {}
    return {"credential_provider": Boto3CredentialProvider(session)}
