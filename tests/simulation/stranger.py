"""Somebody who leaves things in a study's folder, or damages what lies there.

What can be made anew, or done without, is damaged freely. The journal's own records are not: that a
change of those is refused, with its place, is shown elsewhere.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from study.files.local_storage import LocalPath
from study.files.storage import StoragePath
from study.files.trial_files import TrialFolder

from .people import Study
from .surroundings.faults import Faults
from .surroundings.object_store import ObjectStore
from .surroundings.world import Event, World
from .witness import Witness

NO_REQUESTS = [
    b"",
    b"[]",
    b"5",
    b"\xff\xfe",
    b'{"do": "stop_trial", "trial": "x"}',
    b'{"do": "stop_trial", "trial": 10000000}',
    b'{"do": "add", "values": {"no.such.path": 1}}',
    b'{"do": "add", "values": {"optimizer.name": "sgd", "optimizer.lr": -1}}',
    b'{"do": "drop", "point": true}',
    b'{"do": "drop", "point": -3}',
    b'{"do": "something else"}',
    b"[" * 5000,
]
FOREIGN_NAMES = [
    "journal/.keep",
    "journal/notes.txt",
    "journal/merged/.keep",
    "journal/merged/0000000000-0000000003.jsonl~",
    "journal/requests/.keep",
    "journal/requests/notes.txt",
    "trials/README.md",
    "trials/.DS_Store",
    "results/notes.txt",
    "results/epochs/part-00099.parquet",
    "study.yaml~",
    "photo.jpg",
]
BROKEN = b"PAR1 this is no table"


class Stranger:
    """Comes by now and then."""

    def __init__(
        self,
        world: World,
        faults: Faults,
        witness: Witness,
        study: Study,
        store: ObjectStore,
        *,
        until: Event,
    ) -> None:
        self._world = world
        self._faults = faults
        self._witness = witness
        self._study = study
        self._store = store
        self._until = until
        self._links: list[Path] = []

    def run(self) -> None:
        chance = self._faults.chance
        acts: list[Callable[[], None]] = [
            self._leave_request,
            self._leave_file,
            self._break_tables,
            self._break_checkpoint,
            self._edit_study_file,
            self._remove_provenance,
            self._remove_lock,
        ]
        if self._local() is None:
            acts += [self._break_copy] * 3
        else:
            acts += [self._leave_link, self._put_journal_back]
        while not self._until.wait(chance.expovariate(1 / 25)):
            if self._witness.records:
                act = chance.choice(acts)
                self._world.count(f"stranger: {act.__name__.strip('_').replace('_', ' ')}")
                with self._world.past_faults():
                    act()
        with self._world.past_faults():
            self._tidy_up()

    # --- what a stranger leaves ---

    def _leave_request(self) -> None:
        content = self._faults.chance.choice(NO_REQUESTS)
        self._write(f"journal/requests/{self._faults.chance.randrange(10**6):06d}.json", content)

    def _leave_file(self) -> None:
        self._write(self._faults.chance.choice(FOREIGN_NAMES), BROKEN)

    def _leave_link(self) -> None:
        """A link in the folder, for which it isn't opened; it is gone again in the end."""
        folder = self._local()
        if folder is not None:
            link = folder / "journal" / "link"
            if not os.path.lexists(link):
                link.symlink_to("/etc/hostname")
                self._links.append(link)

    # --- what a stranger breaks ---

    def _break_tables(self) -> None:
        name = self._faults.chance.choice(["points", "trials", "epochs/part-00000"])
        self._write(f"results/{name}.parquet", BROKEN)

    def _break_checkpoint(self) -> None:
        """Cut a checkpoint short, or bend it: the trial goes on from the one before, or anew."""
        found = sorted(parts for parts in self._files() if parts[0] == "trials" and len(parts) == 4)
        if not found:
            return
        parts = self._faults.chance.choice(found)
        trial_folder = TrialFolder.parse(parts[1])
        self._write("/".join(parts), b"no checkpoint")
        for trial in self._witness.trials:
            if trial_folder == TrialFolder(trial.point, trial.replicate):
                self._witness.states.damaged.add(trial.number)

    def _break_copy(self) -> None:
        """Cut a merged copy of the journal's objects short, at a line's end or elsewhere."""
        copies = sorted(parts for parts in self._files() if parts[:2] == ("journal", "merged"))
        if not copies:
            return
        name = "/".join(self._faults.chance.choice(copies))
        content = self._store.objects[self._key(name)]
        lines = content.splitlines(keepends=True)
        whole = b"".join(lines[: self._faults.chance.randrange(len(lines) + 1)])
        self._write(name, self._faults.chance.choice([whole, content[: len(whole) // 2]]))

    def _put_journal_back(self) -> None:
        """Put a copy of the journal in its place, as a backup or an editor does: a driver that has
        the old file open must notice.
        """
        folder = self._local()
        if folder is None or self._faults.long_step:  # it has looked, and not written yet
            return
        self._study.may_be_replaced = True
        journal = folder / "journal" / "events.jsonl"
        copy = journal.with_name("copy")
        copy.write_bytes(journal.read_bytes())
        copy.replace(journal)

    def _edit_study_file(self) -> None:
        self._write("study.yaml", b"study: simulated\npoints: 1000\n")

    def _remove_provenance(self) -> None:
        self._remove("provenance.json")

    def _remove_lock(self) -> None:
        """Users do remove locks: the driver that had it stops, as another may have begun."""
        self._remove("journal/lock")

    def _tidy_up(self) -> None:
        for link in self._links:
            link.unlink(missing_ok=True)

    # --- the folder, past everything ---

    def _local(self) -> Path | None:
        folder: StoragePath = self._study.paths.folder
        return Path(str(folder)) if isinstance(folder, LocalPath) else None

    def _key(self, name: str) -> str:
        return f"studies/{self._study.spec.study}/{name}"

    def _write(self, name: str, content: bytes) -> None:
        folder = self._local()
        if folder is None:
            self._store.put_past_faults(self._key(name), content)
        else:
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

    def _remove(self, name: str) -> None:
        folder = self._local()
        if folder is None:
            self._store.objects.pop(self._key(name), None)
        elif (folder / name).is_dir():
            shutil.rmtree(folder / name)
        else:
            (folder / name).unlink(missing_ok=True)

    def _files(self) -> list[tuple[str, ...]]:
        folder = self._local()
        if folder is None:
            begin = self._key("")
            keys = [key for key in self._store.objects if key.startswith(begin)]
            return [tuple(key[len(begin) :].split("/")) for key in keys]
        return [path.relative_to(folder).parts for path in folder.rglob("*") if path.is_file()]
