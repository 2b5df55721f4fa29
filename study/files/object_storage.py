"""A storage that is a prefix of an object store: S3, Google Cloud Storage or Azure.

A store has neither folders, nor locks, nor files that grow. Every write is whole or absent, and one
can be made to fail where an object of that name is there already.
"""

from __future__ import annotations

import hashlib
import io
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from study.errors import UserError
from study.files.object_client import client, errors_as_os_errors
from study.files.storage import ListedFile, StoragePath

if TYPE_CHECKING:
    from obstore import PutMode, UpdateVersion

_TRIES = 4
"""How often a write that goes by what is there is tried: the client itself repeats none whose
answer was lost.
"""


class StoredObject(NamedTuple):
    """One object as a store lists it."""

    path: ObjectPath
    size_bytes: int
    modified: datetime


@dataclass(frozen=True, order=True)
class ObjectPath(StoragePath):
    """``root/key`` on an object store. A folder is there as long as an object lies below it."""

    root: str
    """Scheme and bucket: ``s3://lab``."""
    key: str

    can_append = False
    has_locks = False

    @property
    def name(self) -> str:
        return self.key.rpartition("/")[2]

    @property
    def parent(self) -> ObjectPath:
        return ObjectPath(self.root, self.key.rpartition("/")[0])

    def __truediv__(self, part: str, /) -> ObjectPath:
        return ObjectPath(self.root, f"{self.key}/{part}" if self.key else part)

    def __str__(self) -> str:
        return f"{self.root}/{self.key}" if self.key else self.root

    def local_path(self) -> None:
        return None

    def modified(self) -> datetime | None:
        """When the object was last written; None where there is none."""
        import obstore

        try:
            with errors_as_os_errors(str(self)):
                found = obstore.head(client(self.root), self.key)
        except FileNotFoundError:
            return None
        modified: datetime = found["last_modified"]
        return modified

    def is_file(self) -> bool:
        return self.modified() is not None

    def is_dir(self) -> bool:
        return next(self.objects_below(), None) is not None

    def exists(self) -> bool:
        return self.is_file() or self.is_dir()

    def read_bytes(self) -> bytes:
        import obstore

        with errors_as_os_errors(str(self)):
            return bytes(obstore.get(client(self.root), self.key).bytes())

    def read_text(self, encoding: str | None = None, errors: str | None = None) -> str:
        return self.read_bytes().decode(encoding or "utf-8", errors or "strict")

    def open_binary(self) -> BinaryIO:
        """The whole object, in memory."""
        return io.BytesIO(self.read_bytes())

    def write_whole(self, content: bytes | str) -> None:
        import obstore

        data = content.encode() if isinstance(content, str) else content
        with errors_as_os_errors(str(self)):
            obstore.put(client(self.root), self.key, data)

    def write_unless(self, content: bytes, is_newer: Callable[[bytes], bool]) -> bool:
        for tries_left in reversed(range(_TRIES)):
            there, mode = self._read_to_replace()
            if there is not None and is_newer(there):
                return False
            try:
                self._put(content, mode)
                return True
            except OSError:  # another write came between, or this one's answer was lost
                if not tries_left:
                    raise
        return False

    def _read_to_replace(self) -> tuple[bytes | None, PutMode]:
        """The object's content, None where there is none, and how to replace just that."""
        import obstore

        try:
            with errors_as_os_errors(str(self)):
                found = obstore.get(client(self.root), self.key)
                content = bytes(found.bytes())
        except FileNotFoundError:
            return None, "create"
        version: UpdateVersion = {}
        if found.meta["e_tag"]:
            version["e_tag"] = found.meta["e_tag"]
        if found.meta["version"]:
            version["version"] = found.meta["version"]
        return content, version

    def _put(self, content: bytes, mode: PutMode) -> None:
        import obstore

        with errors_as_os_errors(str(self)):
            obstore.put(client(self.root), self.key, content, mode=mode, use_multipart=False)

    def create_exclusively(self, content: bytes) -> None:
        """Write an object where none is yet; FileExistsError where one is, whoever came first."""
        self._put(content, "create")

    def write_new(self, content: bytes | str) -> None:
        data = content.encode() if isinstance(content, str) else content
        try:
            self.create_exclusively(data)
        except FileExistsError:
            if self.read_bytes() != data:  # else it was this very write, whose answer was lost
                raise

    def check_write_new(self) -> None:
        """Two drivers would write one journal on a store that takes ``If-None-Match`` and ignores
        it, as some do.
        """
        probe = self / f".probe-{uuid.uuid4().hex}"
        try:
            for content in (b"first", b"second"):
                probe.write_new(content)
        except FileExistsError:
            return
        finally:
            probe.unlink(missing_ok=True)
        raise UserError(
            f"{self} is on a store that writes over an object where it is asked not to"
            " (If-None-Match: *); a study's journal isn't safe there"
        )

    def make_folder(self, levels: int | None = None) -> None:
        """Nothing: a store has no folders."""

    def check_plain(self) -> None:
        """Nothing: a store has only objects."""

    def unlink(self, missing_ok: bool = False) -> None:
        import obstore

        if not missing_ok and not self.is_file():
            raise FileNotFoundError(str(self))
        with errors_as_os_errors(str(self)):
            obstore.delete(client(self.root), self.key)

    def iterdir(self) -> Iterator[ObjectPath]:
        """List what lies directly below, objects and folders."""
        import obstore

        with errors_as_os_errors(str(self)):
            found = obstore.list_with_delimiter(client(self.root), self.key or None)
        folders: list[str] = list(found["common_prefixes"])
        objects: list[str] = [entry["path"] for entry in found["objects"]]
        for key in sorted(folders + objects):
            yield ObjectPath(self.root, key)

    def glob(self, pattern: str) -> Iterator[ObjectPath]:
        first, _, rest = pattern.partition("/")
        for path in self._matching(first, is_last=not rest):
            if rest:
                yield from path.glob(rest)
            else:
                yield path

    def _matching(self, part: str, is_last: bool) -> Iterator[ObjectPath]:
        """What lies directly below under names that match one part of a pattern."""
        if "*" in part:
            for path in self.iterdir():
                if fnmatchcase(path.name, part):
                    yield path
        elif not is_last or (self / part).exists():  # one request where the name is known
            yield self / part

    def objects_below(self, after: str = "") -> Iterator[StoredObject]:
        """List all objects below in the order of their keys, those that come after ``after``."""
        import obstore

        offset = f"{self.key}/{after}" if after else None
        with errors_as_os_errors(str(self)):
            for batch in obstore.list(client(self.root), self.key or None, offset=offset):
                for entry in batch:
                    yield self._listed(entry)

    def _listed(self, entry: dict[str, Any]) -> StoredObject:
        path = ObjectPath(self.root, entry["path"])
        return StoredObject(path, entry["size"], entry["last_modified"])

    def files_below(self) -> Iterator[tuple[str, ...]]:
        depth = self.key.count("/") + 1 if self.key else 0
        for found in self.objects_below():
            yield tuple(found.path.key.split("/")[depth:])

    def listed_below(self) -> Iterator[ListedFile]:
        skipped = len(self.key) + 1 if self.key else 0
        for found in self.objects_below():
            changed_ns = int(found.modified.timestamp() * 1e9)
            yield ListedFile(found.path.key[skipped:], found.size_bytes, changed_ns)

    def bytes_below(self) -> int:
        return sum(stored.size_bytes for stored in self.objects_below())

    def version_below(self) -> str:
        listing = "".join(
            f"{found.path.key} {found.size_bytes} {found.modified}\n"
            for found in self.objects_below()
        )
        return hashlib.sha256(listing.encode()).hexdigest() if listing else ""

    def remove_tree(self) -> None:
        self.unlink(missing_ok=True)
        for found in list(self.objects_below()):
            found.path.unlink(missing_ok=True)

    def remove_trees(self, *names: str) -> None:
        """One request finds them all."""
        for found in list(self.listed_below()):
            if found.name.partition("/")[0] in names:
                (self / found.name).unlink(missing_ok=True)

    def make_names_durable(self) -> None:
        """Nothing: an object that is there is durable."""

    def remove_partial_writes(self, *prefixes: str) -> None:
        """Nothing: a write that is broken off leaves nothing."""

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        yield
