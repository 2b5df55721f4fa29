"""``study watch``: the display of a study that another process drives, from its folder alone."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from study.cli.answers import answer
from study.cli.inspect import is_on_cluster
from study.cli.options import (
    STUDIES,
    DashboardOption,
    NameArgument,
    StorageOption,
    app,
    echo,
    standard_output,
)

if TYPE_CHECKING:
    from study.files.layout import StudyPaths
    from study.journal.history import History
    from study.spec.spec import StudySpec

_LOOK_S = 0.5
"""How often the folder is looked at, at most."""
_MOST_READING = 0.2
"""At most this share of the time goes into reading, however long the journal is."""


@dataclass(frozen=True)
class _Reading:
    """A study as its folder showed it at one moment."""

    spec: StudySpec
    history: History
    stopping: str = ""


@app.command()
def watch(
    name: NameArgument, storage: StorageOption = STUDIES, address: DashboardOption = None
) -> None:
    """Show the display of a study that runs elsewhere; Ctrl-C ends the watching, not the study."""
    from study.files.layout import existing

    if is_on_cluster(address, name, storage):
        from study.cli.cluster.jobs import connect

        storage = connect(address).job(name).storage
    paths = existing(name, storage)
    try:
        _follow(paths)
    except KeyboardInterrupt:
        echo(f"watching {name} has ended; the study goes on", err=True)


def _follow(paths: StudyPaths) -> None:
    """Show a study as long as somebody drives it, and then its status."""
    from study.cli.progress import display_on
    from study.execution.live_progress import read_live
    from study.files.lock import lock_holder
    from study.inspection.status import status_of, status_text
    from study.journal.following import FollowedJournal
    from study.journal.spec_versions import recorded_spec

    journal = FollowedJournal(paths.journal)

    def read() -> _Reading:
        journal.read_on()
        return _Reading(recorded_spec(paths, journal.history), journal.history)

    first = read()
    display = display_on(standard_output())
    display.begin(first.spec, first, read_live(paths))
    try:
        while lock_holder(paths.lock):
            began = time.monotonic()
            display.show(read(), read_live(paths))
            display.tick()
            reading_s = time.monotonic() - began
            time.sleep(max(_LOOK_S, reading_s / _MOST_READING))
        display.show(read(), read_live(paths))
    finally:
        display.end()
    status = status_of(paths)
    answer(**status)
    echo(status_text(status))
    if not first.history.sessions:
        echo(f"nobody has run it yet: {paths.command('resume')}")
