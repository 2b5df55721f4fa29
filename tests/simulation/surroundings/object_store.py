"""An object store of which one knows only what it answers: late, wrongly, twice or not at all.

It stands in the place of obstore's functions, below the project's ``ObjectPath``. An object is
whole or absent, and one can be created only where none is, as on S3. Everything else may go wrong
between a client and the store: a request refused before it took effect, its answer lost after it
did, the same request carried out once more, or long after its client has given up; a listing that
doesn't show yet what was written a moment ago.
"""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

import obstore
from obstore.exceptions import AlreadyExistsError, GenericError, PreconditionError

from .faults import Faults
from .world import EPOCH_S, World

LATENCY_S = 0.01
STALE_S = 3.0
"""For so long a listing may lag behind."""
LATE_S = (1.0, 30.0)
"""A request that its client has given up may take effect so many seconds later."""


class Answer:
    """What ``obstore.get`` gives."""

    def __init__(self, content: bytes, e_tag: str) -> None:
        self._content = content
        self.meta = {"e_tag": e_tag, "version": None}

    def bytes(self) -> bytes:
        return self._content


class ObjectStore:
    """All objects of a world, by their keys."""

    def __init__(self, world: World, faults: Faults) -> None:
        self.objects: dict[str, bytes] = {}
        self._modified: dict[str, float] = {}
        self._writes: Counter[str] = Counter()
        """How often each object was written: its version."""
        self._unlisted_until: dict[str, float] = {}
        self._world = world
        self._faults = faults

    def replacements(self) -> list[tuple[object, str, object]]:
        """What stands in the place of obstore's functions: owner, attribute, stand-in."""
        return [
            (obstore, "put", self.put),
            (obstore, "get", self.get),
            (obstore, "head", self.head),
            (obstore, "delete", self.delete),
            (obstore, "list", self.list),
            (obstore, "list_with_delimiter", self.list_with_delimiter),
        ]

    # --- requests ---

    def put(
        self,
        store: object,
        key: str,
        content: bytes,
        *,
        mode: str | Mapping[str, str] = "overwrite",
        use_multipart: bool = True,
    ) -> None:
        self._changing("put", key, lambda: self._put(key, bytes(content), mode))

    def _put(self, key: str, content: bytes, mode: str | Mapping[str, str]) -> None:
        if mode == "create" and key in self.objects:
            raise AlreadyExistsError(key)
        if not isinstance(mode, str) and mode["e_tag"] != self._e_tag(key):
            raise PreconditionError(key)
        if key not in self.objects and self._faults.happens(self._faults.stale_lists):
            self._faults.note("stale listing", f"without {key}")
            self._unlisted_until[key] = self._world.now + STALE_S
        self.put_past_faults(key, content)

    def put_past_faults(self, key: str, content: bytes) -> None:
        """Write an object that no fault concerns."""
        self.objects[key] = content
        self._modified[key] = self._world.now
        self._writes[key] += 1

    def _e_tag(self, key: str) -> str:
        """What tells an object's content from what it was and will be; empty where there is
        none.
        """
        return str(self._writes[key]) if key in self.objects else ""

    def delete(self, store: object, key: str) -> None:
        self._changing("delete", key, lambda: self._delete(key))

    def _delete(self, key: str) -> None:
        self.objects.pop(key, None)

    def get(self, store: object, key: str) -> Answer:
        self._reading("get", key)
        if key not in self.objects:
            raise FileNotFoundError(key)
        return Answer(self.objects[key], self._e_tag(key))

    def head(self, store: object, key: str) -> Mapping[str, Any]:
        self._reading("head", key)
        if key not in self.objects:
            raise FileNotFoundError(key)
        return self._entry(key)

    def list(
        self, store: object, prefix: str | None = None, *, offset: str | None = None
    ) -> Iterator[list[Mapping[str, Any]]]:
        self._reading("list", prefix or "")
        keys = [key for key in self._listed(prefix) if offset is None or key > offset]
        return iter([[self._entry(key) for key in keys]])

    def list_with_delimiter(self, store: object, prefix: str | None = None) -> Mapping[str, Any]:
        self._reading("list", prefix or "")
        begin = f"{prefix}/" if prefix else ""
        folders, objects = set(), []
        for key in self._listed(prefix):
            name, slash, _ = key[len(begin) :].partition("/")
            if slash:
                folders.add(begin + name)
            else:
                objects.append(self._entry(key))
        return {"common_prefixes": sorted(folders), "objects": objects}

    def _listed(self, prefix: str | None) -> list[str]:
        """The keys that a listing shows, in their order."""
        begin = f"{prefix}/" if prefix else ""
        now = self._world.now
        return sorted(
            key
            for key in self.objects
            if key.startswith(begin) and self._unlisted_until.get(key, 0.0) <= now
        )

    def _entry(self, key: str) -> Mapping[str, Any]:
        moment = datetime.datetime.fromtimestamp(EPOCH_S + self._modified[key], datetime.UTC)
        return {"path": key, "size": len(self.objects[key]), "last_modified": moment}

    # --- what goes wrong ---

    def _reading(self, what: str, key: str) -> None:
        world, faults = self._world, self._faults
        if world.current is None:  # somebody looks past all faults
            return
        world.check_alive()
        world.sleep(LATENCY_S)
        if faults.is_away or faults.fails(faults.store_errors, key):
            faults.note("store error", f"{what} {key}")
            raise GenericError(f"503 at {what} {key}")

    def _changing(self, what: str, key: str, act: Any) -> None:
        world, faults = self._world, self._faults
        process = world.check_alive()
        world.sleep(LATENCY_S)
        try:
            faults.before_change(what, key)
        except OSError as error:
            raise GenericError(f"503 at {what} {key}: {error}") from None
        if faults.fails(faults.store_errors, key):
            faults.note("store error", f"{what} {key}")
            raise GenericError(f"503 at {what} {key}")
        if faults.happens(faults.late_requests):
            faults.note("late request", f"{what} {key} takes effect later, unknown to its client")
            world.start("network", process.host, lambda: self._late(act))
            raise GenericError(f"timed out at {what} {key}")
        act()
        faults.after_change()
        if faults.happens(faults.lost_answers):
            faults.note("lost answer", f"{what} {key}")
            if faults.chance.random() < 0.5:
                act()  # the client itself has sent it again
            else:
                raise GenericError(f"connection reset at {what} {key}")

    def _late(self, act: Any) -> None:
        self._world.sleep(self._faults.chance.uniform(*LATE_S))
        with suppress(AlreadyExistsError, PreconditionError):
            act()
