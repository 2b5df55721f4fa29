"""Sockets by which processes of one training hand over what they have made."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import suppress
from multiprocessing import process, util
from typing import Any

_LONGEST = 107 - len("/listener-12345678")
"""Bytes of a folder's path below which a socket's own path fits (Linux's limit is 107)."""


def give_sockets_room() -> None:
    """Have the sockets of this process and of those that it starts lie where their paths fit.

    Loader processes hand batches over by sockets in the folder for temporary files. Where its path
    is too long for one, a batch is lost without a word, and the training waits for it for ever.
    """
    current: Any = process.current_process()
    made_before = current._config.get("tempdir")  # where multiprocessing remembers its own
    usual = tempfile.gettempdir()
    folder = made_before or os.path.join(usual, "pymp-12345678")
    if os.path.isdir(made_before or usual) and len(os.fsencode(folder)) <= _LONGEST:
        return
    for parent in ("/tmp", "/var/tmp"):
        with suppress(OSError):
            made = tempfile.mkdtemp(prefix="pymp-", dir=parent)
            util.Finalize(None, shutil.rmtree, args=(made, True), exitpriority=-100)
            current._config["tempdir"] = made
            return
