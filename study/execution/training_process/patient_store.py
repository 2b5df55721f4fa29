"""A trial's checkpoints on a storage that may be away for a while."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from study.errors import StorageFault
from study.journal.journal import PATIENCE_S


class PatientStore:
    """Checkpoints on a storage that may be full or away: reading and saving wait for it a while.

    ``wait`` is called with the problem before they try again. After ``PATIENCE_S`` seconds the
    problem is raised.
    """

    def __init__(self, store: Any, wait: Callable[[StorageFault], None]) -> None:
        self._store = store
        self._wait = wait

    def latest(self) -> Any:
        return self._patiently(self._store.take_up)

    def save(self, epoch: int, state: dict[str, Any]) -> None:
        self._patiently(lambda: self._store.save(epoch, state))

    def _patiently(self, act: Callable[[], Any]) -> Any:
        began = time.monotonic()
        while True:
            try:
                return act()
            except (StorageFault, OSError) as error:
                problem = error if isinstance(error, StorageFault) else StorageFault(str(error))
                if time.monotonic() - began > PATIENCE_S:
                    raise problem from error
                self._wait(problem)
