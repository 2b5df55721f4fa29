"""From what a user writes for a storage to the path that reads and writes there."""

from __future__ import annotations

from pathlib import Path

from study.errors import UserError
from study.files.local_storage import LocalPath
from study.files.object_storage import ObjectPath
from study.files.storage import StorageLike, StoragePath

_OBJECT_STORES = ("s3", "gs", "az")


def storage_path(where: StorageLike) -> StoragePath:
    """The path that a user means by a folder, ``file://…`` or ``s3://bucket/prefix`` and the like.

    A local one is made absolute. Other schemes are a UserError.
    """
    if isinstance(where, Path):
        return LocalPath(where).resolve()
    if isinstance(where, StoragePath):
        return where
    scheme, separator, rest = where.partition("://")
    if not separator:
        return LocalPath(where).resolve()
    if scheme == "file":
        return LocalPath(rest).resolve()
    return _object_path(where, scheme, rest)


def path_as_written(where: StorageLike) -> StoragePath:
    """The same path as it stands: a text is a path of this machine, which isn't made absolute."""
    return LocalPath(where) if isinstance(where, str | Path) else where


def _object_path(address: str, scheme: str, rest: str) -> ObjectPath:
    bucket, _, key = rest.partition("/")
    if scheme not in _OBJECT_STORES or not bucket:
        accepted = ", ".join(f"{name}://BUCKET/PREFIX" for name in _OBJECT_STORES)
        raise UserError(f"a storage is a folder, or {accepted}, not {address!r:.80}")
    if "@" in bucket:
        raise UserError(
            f"a storage's address holds no user and password: {scheme}://BUCKET/PREFIX, with the"
            " credentials in the environment"
        )
    parts = [part for part in key.split("/") if part]
    if "." in parts or ".." in parts:
        raise UserError(f"a storage's address has no '.' and '..' in it: {address!r:.80}")
    return ObjectPath(f"{scheme}://{bucket}", "/".join(parts))
