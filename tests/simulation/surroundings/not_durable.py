"""What of a disk is not durable yet: the bytes and the names that were changed and not synced.

``lose_power`` gives back what a file system may: names that were not synced are gone, or half of
them, and bytes that were not synced are cut, or zeros.
"""

from __future__ import annotations

import io
import os
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from .world import Host, World

REAL_FILE, REAL_STAT, REAL_UNLINK = io.open, os.stat, os.unlink
SECTOR_BYTES = 512


@dataclass
class Unsynced:
    """A file some of whose bytes are not durable."""

    host: Host
    durable: bytes | int
    """The content that is durable; as a number, so many bytes from the beginning."""


@dataclass
class Change:
    """A change of a folder's names that is not durable yet."""

    host: Host
    undo: Callable[[], object]


class NotDurable:
    """The bytes and names of one disk that its hosts have changed and not synced."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._unsynced: dict[str, Unsynced] = {}
        self._changes: defaultdict[str, list[Change]] = defaultdict(list)

    # --- what is changed, and what is synced ---

    def note_bytes(self, path: str, host: Host) -> None:
        """A file's bytes are about to be changed."""
        if path not in self._unsynced:
            self._unsynced[path] = Unsynced(host, REAL_STAT(path).st_size)

    def keep_before_cut(self, path: str, length: int) -> None:
        """A file whose change is noted is about to be cut to a length."""
        unsynced = self._unsynced[path]
        if isinstance(unsynced.durable, int) and unsynced.durable > length:
            unsynced.durable = content(path)[: unsynced.durable]

    def note_new_file(self, path: str, host: Host) -> None:
        self._unsynced[path] = Unsynced(host, 0)
        self.note_name(path, host, partial(remove, path))

    def note_rename(self, old: str, new: str, before: bytes | None, host: Host) -> None:
        """A file has got a name, which had another content before, or none."""
        unsynced = self._unsynced.pop(old, None)
        self._unsynced.pop(new, None)
        if unsynced is not None:
            self._unsynced[new] = unsynced
        self.note_name(new, host, partial(put_back, new, before))

    def note_removal(self, path: str, before: bytes | None, host: Host) -> None:
        self._unsynced.pop(path, None)
        self.note_name(path, host, partial(put_back, path, before))

    def note_name(self, path: str, host: Host, undo: Callable[[], object]) -> None:
        """Keep how a change of names is undone, until its folder is synced."""
        self._changes[os.path.dirname(path)].append(Change(host, undo))

    def forget(self, path: str) -> None:
        """A file was synced, or a folder; or a folder is gone."""
        self._unsynced.pop(path, None)
        self._changes.pop(path, None)

    # --- the power goes ---

    def lose_power(self, host: Host) -> None:
        """Take from the disk what the host had changed and not synced, all or a part of it."""
        with self._world.past_faults():
            self._lose_names(host)
            for path in sorted(self._unsynced):
                if self._unsynced[path].host is host:
                    self._lose_bytes(path, self._unsynced.pop(path))

    def _lose_names(self, host: Host) -> None:
        chance = self._world.chance
        for folder in sorted(self._changes, key=lambda name: (name.count("/"), name)):
            changes = [change for change in self._changes[folder] if change.host is host]
            kept = chance.randint(0, len(changes))
            for change in reversed(changes[kept:]):
                self._world.count("a name that was not synced is lost")
                change.undo()
            self._changes[folder] = [
                change for change in self._changes[folder] if change.host is not host
            ]

    def _lose_bytes(self, path: str, unsynced: Unsynced) -> None:
        if not os.path.isfile(path):
            return  # its name is lost, too
        now = content(path)
        durable = unsynced.durable
        if isinstance(durable, int):
            durable = now[:durable]
        new = now[len(durable) :]
        if not new or not now.startswith(durable):
            left = durable if self._world.chance.random() < 0.5 else now
        else:
            left = durable + self._left_of(new, at=len(durable))
        if left != now:
            self._world.count("bytes that were not synced are lost")
            put_back(path, left)

    def _left_of(self, new: bytes, *, at: int) -> bytes:
        """What is left of bytes that were written at a place of the file and not synced."""
        chance = self._world.chance
        cut = chance.randint(0, len(new))
        match chance.randrange(6):
            case 0:
                return b""
            case 1:
                return new[:cut]
            case 2:  # the size is durable, and the bytes are not
                return new[:cut] + bytes(len(new) - cut)
            case _:  # some sectors are durable, and others, be they before those, are not
                return self._without_sectors(new, at)

    def _without_sectors(self, new: bytes, at: int) -> bytes:
        """Bytes some sectors of which read as zeros."""
        left = bytearray(new)
        for start in range(-(at % SECTOR_BYTES), len(new), SECTOR_BYTES):
            if self._world.chance.random() < 0.5:
                lost = range(max(start, 0), min(start + SECTOR_BYTES, len(new)))
                left[lost.start : lost.stop] = bytes(len(lost))
        return bytes(left)


def content(path: str) -> bytes:
    with REAL_FILE(path, "rb") as file:
        return file.read()  # type: ignore[no-any-return]


def remove(path: str) -> None:
    if os.path.lexists(path):
        REAL_UNLINK(path)


def put_back(path: str, before: bytes | None) -> None:
    """Give a name the content that it had, or none."""
    if before is None:
        remove(path)
    elif os.path.isdir(os.path.dirname(path)):
        with REAL_FILE(path, "wb") as file:
            file.write(before)
