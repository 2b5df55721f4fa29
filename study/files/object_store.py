"""Where studies are stored: a local folder is a ``Path``, a prefix of an object store an
``ObjectPath`` that answers the same few questions. Whoever reads or writes a study's folder takes
either.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

from study.errors import UserError

_OBJECT_STORES = ("s3", "gs", "az")
_RETRIES = {"max_retries": 4, "retry_timeout": timedelta(seconds=20)}
"""What an object store's client does by itself; longer absences are waited for where a study can
wait.
"""


class _StoreError(OSError):
    """An object store that doesn't do what is asked, as the error of a file system."""


@dataclass(frozen=True, order=True)
class ObjectPath:
    """``root/key`` on an object store. There are no folders: one is there as long as something lies
    below it.
    """

    root: str
    key: str

    @property
    def name(self) -> str:
        return self.key.rpartition("/")[2]

    @property
    def parent(self) -> ObjectPath:
        return ObjectPath(self.root, self.key.rpartition("/")[0])

    def __truediv__(self, part: str) -> ObjectPath:
        return ObjectPath(self.root, f"{self.key}/{part}" if self.key else part)

    def __str__(self) -> str:
        return f"{self.root}/{self.key}" if self.key else self.root

    def head(self) -> dict[str, Any] | None:
        """The object's ``size`` and ``last_modified``; None where there is none."""
        import obstore

        try:
            with _as_os_errors(self):
                return dict(obstore.head(client(self.root), self.key))
        except FileNotFoundError:
            return None

    def is_file(self) -> bool:
        return self.head() is not None

    def is_dir(self) -> bool:
        return next(self.below(), None) is not None

    def exists(self) -> bool:
        return self.is_file() or self.is_dir()

    def read_bytes(self) -> bytes:
        import obstore

        with _as_os_errors(self):
            return bytes(obstore.get(client(self.root), self.key).bytes())

    def read_text(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        return self.read_bytes().decode(encoding, errors)

    def write_bytes(self, content: bytes) -> None:
        """Whole or absent, as every write on an object store."""
        import obstore

        with _as_os_errors(self):
            obstore.put(client(self.root), self.key, content)

    def create(self, content: bytes) -> None:
        """Write where nothing is yet; FileExistsError where something is, whoever came first."""
        import obstore

        with _as_os_errors(self):
            obstore.put(client(self.root), self.key, content, mode="create", use_multipart=False)

    def unlink(self, missing_ok: bool = False) -> None:
        import obstore

        if not missing_ok and not self.is_file():
            raise FileNotFoundError(str(self))
        with _as_os_errors(self):
            obstore.delete(client(self.root), self.key)

    def iterdir(self) -> Iterator[ObjectPath]:
        """What lies directly below, objects and folders."""
        import obstore

        with _as_os_errors(self):
            found = obstore.list_with_delimiter(client(self.root), self.key or None)
        keys = [*found["common_prefixes"], *(each["path"] for each in found["objects"])]
        yield from (ObjectPath(self.root, key) for key in sorted(keys))

    def glob(self, pattern: str) -> Iterator[ObjectPath]:
        """What lies below and matches, part by part."""
        first, _, rest = pattern.partition("/")
        if "*" not in first:
            matches = iter([self / first]) if rest or (self / first).exists() else iter([])
        else:
            matches = (path for path in self.iterdir() if fnmatchcase(path.name, first))
        for path in matches:
            if rest:
                yield from path.glob(rest)
            else:
                yield path

    def below(self, after: str = "") -> Iterator[dict[str, Any]]:
        """All objects below in the order of their keys, ``after`` one of them: their path, size and
        last_modified.
        """
        import obstore

        offset = f"{self.key}/{after}" if after else None
        with _as_os_errors(self):
            for batch in obstore.list(client(self.root), self.key or None, offset=offset):
                yield from batch


Place = Path | ObjectPath


def place(where: str | Place) -> Place:
    """The place that a user means: a folder, or ``s3://bucket/prefix`` and the like; UserError for
    other schemes.
    """
    if isinstance(where, Path | ObjectPath):
        return where if isinstance(where, ObjectPath) else where.resolve()
    scheme, mark, rest = where.partition("://")
    if not mark:
        return Path(where).resolve()
    if scheme == "file":
        return Path(rest).resolve()
    bucket, _, key = rest.partition("/")
    if scheme not in _OBJECT_STORES or not bucket:
        accepted = ", ".join(f"{name}://BUCKET/PREFIX" for name in _OBJECT_STORES)
        raise UserError(f"a storage is a folder, or {accepted}, not {where!r:.80}")
    parts = [part for part in key.split("/") if part]
    if any(part in (".", "..") for part in parts):
        raise UserError(f"a storage's address has no '.' and '..' in it: {where!r:.80}")
    return ObjectPath(f"{scheme}://{bucket}", "/".join(parts))


@contextmanager
def _as_os_errors(path: ObjectPath) -> Iterator[None]:
    """An object store's errors as those of a file system, in one line."""
    from obstore.exceptions import AlreadyExistsError, BaseError

    try:
        yield
    except AlreadyExistsError:
        raise FileExistsError(str(path)) from None
    except FileNotFoundError:
        raise FileNotFoundError(2, "no such object", str(path)) from None
    except BaseError as error:
        raise _StoreError(5, _said(error), str(path)) from None


def _said(error: Exception) -> str:
    """The one line that tells what went wrong, out of a client's many."""
    text = str(error).partition("\n")[0].strip()
    for code, meaning in (
        ("NoSuchBucket", "there is no such bucket"),
        ("<Code>AccessDenied", "access is denied"),
    ):
        if code in str(error):
            return meaning
    return text.partition("Debug source")[0][:300]


@cache
def client(root: str) -> Any:
    """The client of one bucket. Its settings are the environment's, as for other tools
    (AWS_ENDPOINT_URL, …).
    """
    from obstore.store import from_url

    plain = any(
        os.environ.get(name, "").startswith("http://")
        for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3")
    )
    options: dict[str, Any] = {"client_options": {"allow_http": plain}, "retry_config": _RETRIES}
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3")
    if root.startswith("s3:") and endpoint:
        options["endpoint"] = endpoint
    if root.startswith("s3:") and "AWS_ACCESS_KEY_ID" not in os.environ:
        options |= _profile()
    return from_url(root, **options)


def _profile() -> dict[str, Any]:
    """The credentials of ``~/.aws``, where boto3 is installed to read them; else an instance's own
    count.
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
