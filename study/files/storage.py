"""What every storage of studies can do, whether it is a folder of this machine or an object store.

A ``StoragePath`` names a file or a folder in a storage, as ``pathlib.Path`` does on a disk. It has
two forms, ``LocalPath`` and ``ObjectPath``; ``study.files.storage_uri.storage_path`` picks the one
that a user's text means. Whoever reads or writes a study's folder takes either form, and leaves to
it how a write becomes durable.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO, ClassVar, NamedTuple, Self


class ListedFile(NamedTuple):
    """A file below a folder, and what tells whether it is still the same."""

    name: str
    """Its path from the folder on, with slashes."""
    size_bytes: int
    """-1 of a link that leads nowhere."""
    changed_ns: int


class StoragePath(ABC):
    """A file or a folder in a storage. Failures of the storage are raised as OSError."""

    __slots__ = ()

    can_append: ClassVar[bool]
    """Whether bytes can be appended to a file, so that a kill can leave the last ones torn."""

    has_locks: ClassVar[bool]
    """Whether the storage has locks, which end with the process that holds them."""

    @property
    @abstractmethod
    def name(self) -> str:
        """The last part of the path."""

    @property
    @abstractmethod
    def parent(self) -> Self:
        """The folder that the path lies in."""

    @abstractmethod
    def __truediv__(self, part: str, /) -> Self:
        """The path of ``part`` below this one."""

    @abstractmethod
    def local_path(self) -> Path | None:
        """The path as this machine's own file functions take it; None on an object store."""

    @abstractmethod
    def is_file(self) -> bool: ...

    @abstractmethod
    def is_dir(self) -> bool: ...

    @abstractmethod
    def exists(self) -> bool: ...

    @abstractmethod
    def read_bytes(self) -> bytes:
        """Read a whole file; FileNotFoundError where there is none."""

    @abstractmethod
    def read_text(self, encoding: str | None = None, errors: str | None = None) -> str:
        """Read a whole file as text."""

    @abstractmethod
    def open_binary(self) -> BinaryIO:
        """Open a file to read parts of it."""

    @abstractmethod
    def write_whole(self, content: bytes | str) -> None:
        """Replace the file's content, durable on return; a crash leaves the old or the new one."""

    @abstractmethod
    def write_unless(self, content: bytes, is_newer: Callable[[bytes], bool]) -> bool:
        """Replace the file's content unless what is there is newer; return whether that was done.

        On an object store nobody else writes between the look and the write, however long this
        process stands still there. In a folder only ``exclusive`` sees to that.
        """

    @abstractmethod
    def write_new(self, content: bytes | str) -> None:
        """Write a file where none is yet; FileExistsError where there is another one."""

    @abstractmethod
    def check_write_new(self) -> None:
        """Raise UserError where the storage of this folder takes two new files of one name."""

    @abstractmethod
    def make_folder(self, levels: int | None = None) -> None:
        """Create the folder and those missing above it, durable and readable by the owner alone.

        FileNotFoundError where more than ``levels`` folders are missing.
        """

    @abstractmethod
    def check_plain(self) -> None:
        """Raise UserError where this, or anything below, is neither a file nor a folder: a link,
        say, that leads somewhere else.
        """

    @abstractmethod
    def glob(self, pattern: str) -> Iterator[Self]:
        """Find what lies below and matches ``pattern`` part by part, in no fixed order."""

    @abstractmethod
    def files_below(self) -> Iterator[tuple[str, ...]]:
        """Find every file below, as the parts of its path from here; none where there is no
        folder.
        """

    @abstractmethod
    def listed_below(self) -> Iterator[ListedFile]:
        """Find every file below, through links too, with what tells whether it is the same."""

    @abstractmethod
    def bytes_below(self) -> int:
        """Return how many bytes the files below hold; 0 where there are none."""

    @abstractmethod
    def version_below(self) -> str:
        """Hash the names, sizes and times of change of all files below; empty where there are
        none.
        """

    @abstractmethod
    def unlink(self, missing_ok: bool = False) -> None:
        """Remove a file; FileNotFoundError where there is none, unless ``missing_ok``."""

    @abstractmethod
    def remove_tree(self) -> None:
        """Remove a file, or a folder and all in it; nothing happens where there is none."""

    @abstractmethod
    def remove_trees(self, *names: str) -> None:
        """Remove what has these names directly below, with all in it."""

    @abstractmethod
    def make_names_durable(self) -> None:
        """Make durable which files this folder has, whoever has written them."""

    @abstractmethod
    def remove_partial_writes(self, *prefixes: str) -> None:
        """Remove what killed writes of files whose names begin so have left in this folder."""

    @abstractmethod
    def exclusive(self) -> AbstractContextManager[None]:
        """Wait until nobody else is inside this block for the same folder, where there are locks;
        without locks nothing is waited for, and the last writer counts.
        """

    def sorted_glob(self, pattern: str) -> list[Self]:
        """List what lies below and matches ``pattern``, by name."""
        return sorted(self.glob(pattern), key=lambda path: path.name)


StorageLike = str | Path | StoragePath
"""What a user may name a storage by: a folder, or an object store's address."""
