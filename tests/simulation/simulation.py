"""One seed's world, from its first driver to the verdict."""

from __future__ import annotations

import gc
import json
import os
import re
import shutil
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from study.errors import StudyFileChanged
from study.files.local_storage import LocalPath
from study.files.object_storage import ObjectPath
from study.files.storage import StoragePath

from .people import Operator, Study
from .seen import Broken
from .stranger import Stranger
from .study_file import SimulatedStudy, study_of
from .surroundings.faults import Faults
from .surroundings.local_disk import LocalDisk
from .surroundings.object_store import ObjectStore
from .surroundings.stand_ins import replaced, surroundings
from .surroundings.tune import SimulatedTune
from .surroundings.world import Event, Host, World
from .user import User
from .verdict import Verdict, values_of
from .witness import Witness

IN_MEMORY = Path("/dev/shm")
ROOT = "/simulated"
"""How a world's own folder is told, which has another name each time."""
CHECKPOINT = re.compile(r"attempt-(\d+)-epoch-(\d+)\.ckpt")


@dataclass
class Outcome:
    """What a seed has come to."""

    seed: int
    error: BaseException | None
    story: Sequence[tuple[float, str, str]]
    counts: Counter[str]
    seconds: float
    root: str
    """Where the world's files lay, which are gone."""

    def told(self) -> str:
        """The story, a line an event."""
        return "\n".join(f"{when:10.3f}  {who}: {what}" for when, who, what in self.story)

    @property
    def failure(self) -> str:
        """What is wrong, in one line; empty where nothing is."""
        if self.error is None:
            return ""
        what = f"{type(self.error).__name__}: {self.error}"
        return what.replace(self.root, ROOT).replace("\n", " ")


def simulate(seed: int) -> Outcome:
    """Play a seed to its end."""
    began = time.perf_counter()
    was_collecting = gc.isenabled()
    gc.disable()  # what is collected may act, and when would depend on what was played before
    world = World(seed)
    root = tempfile.mkdtemp(prefix="simulation-", dir=IN_MEMORY if IN_MEMORY.is_dir() else None)
    error: BaseException | None = None
    try:
        _play(world, study_of(seed), root)
    except (Exception, Broken) as found:
        error = found
    finally:
        shutil.rmtree(root, ignore_errors=True)
        if was_collecting:
            gc.enable()
    story = [(when, who, what.replace(root, ROOT)) for when, who, what in world.story]
    return Outcome(seed, error, story, world.counts, time.perf_counter() - began, root)


def _play(world: World, drawn: SimulatedStudy, root: str) -> None:
    faults = Faults(world)
    world.tell("world", f"study: {json.dumps(drawn.spec.tree())}")
    world.tell("world", f"faults: {faults.told()}")
    disk, store = LocalDisk(world, faults, root), ObjectStore(world, faults)
    storage: StoragePath = LocalPath(root) / "studies"
    if drawn.is_on_store:
        storage = ObjectPath("memory://lab", "studies")
    may_be_stale = drawn.is_on_store and faults.stale_lists > 0
    study = Study(drawn.spec, storage, may_be_stale=may_be_stale)
    witness = Witness(world)
    witness.states.may_be_stale = study.may_be_stale
    witness.value_of = lambda trial: values_of(trial, drawn.spec)
    witness.raw_records = lambda most: raw_records(store, study, most)
    folders = cache(study.paths.checkpoints)
    witness.states.newest_stored = lambda trial: newest_checkpoint(
        names_in(store, folders(trial.point, trial.replicate))
    )
    witness.stops.is_left = lambda request: is_there(store, request)
    tables = {"points": study.paths.points_table, "trials": study.paths.trials_table}
    witness.tables.content_of = lambda table: content_of(store, tables[table])
    witness.tables.records_within = lambda size: journal_content(store, study)[:size].count(b"\n")
    tune = SimulatedTune(world, faults, witness, step=drawn.step, pace_s=drawn.pace_s)
    faults.lose_power = disk.lose_power
    operator = Operator(world, faults, witness, study)
    over = Event(world)
    operator.before_end = over.set
    user = User(world, faults, witness, study, until=over)
    stranger = Stranger(world, faults, witness, study, store, until=over)
    world.clean_up_after = disk.close_all_of
    replacements = [
        *surroundings(world, tune, witness),
        *disk.replacements(),
        *store.replacements(),
    ]
    try:
        with replaced(replacements), warnings.catch_warnings():
            warnings.simplefilter("ignore", StudyFileChanged)
            world.start("operator", Host("desk"), operator.run)
            if faults.requests:
                world.start("user", Host("home"), user.run)
            if faults.tables_take_s:
                world.start("user", Host("office"), user.make_tables)
            if faults.strangers:
                world.start("stranger", Host("far away"), stranger.run)
            world.run(lambda: operator.is_done)
            orphaned = tune.trials_written_beside(operator.drivers[-1].began)
            verdict = Verdict(witness, operator, user, drawn.step, orphaned)
            checking = Event(world)

            def judge() -> None:
                verdict.check()
                checking.set()

            world.start("judge", Host("desk"), judge)
            world.run(checking.is_set)
    finally:
        with replaced(replacements):
            world.end()


def raw_records(store: ObjectStore, study: Study, most: int | None) -> list[dict[str, Any]]:
    """The journal's first so many records, read past all faults and all code of the project."""
    return whole_appends(journal_content(store, study), most)


def journal_content(store: ObjectStore, study: Study) -> bytes:
    """All of the journal, read past all faults and all code of the project."""
    journal = study.paths.journal
    if not isinstance(journal, ObjectPath):
        return content_of(store, journal) or b""
    prefix = f"{journal.key}/"
    keys = sorted(key for key in store.objects if key.startswith(prefix))
    return b"".join(store.objects[key] for key in keys)


def content_of(store: ObjectStore, file: StoragePath) -> bytes | None:
    """What a file holds, read past all faults and all code of the project; None without one."""
    if isinstance(file, ObjectPath):
        return store.objects.get(file.key)
    return Path(str(file)).read_bytes() if os.path.lexists(str(file)) else None


def is_there(store: ObjectStore, file: StoragePath) -> bool:
    """Whether a file is there, read past all faults and all code of the project."""
    return file.key in store.objects if isinstance(file, ObjectPath) else os.path.lexists(str(file))


def names_in(store: ObjectStore, folder: StoragePath) -> list[str]:
    """What lies in a folder, read past all faults and all code of the project."""
    if isinstance(folder, ObjectPath):
        begin = f"{folder.key}/"
        return [key.removeprefix(begin) for key in store.objects if key.startswith(begin)]
    try:
        return os.listdir(str(folder))
    except FileNotFoundError:
        return []


def newest_checkpoint(names: Sequence[str]) -> tuple[int, int]:
    """The attempt and epoch of the newest checkpoint by its name; zeros where there is none."""
    found = [CHECKPOINT.fullmatch(name) for name in names]
    places = [(int(match[1]), int(match[2])) for match in found if match]
    return max(places, default=(0, 0))


def whole_appends(data: bytes, most: int | None = None) -> list[dict[str, Any]]:
    """The records of a journal's bytes, or the first so many of them, up to the first append that
    isn't there as a whole.
    """
    records: list[dict[str, Any]] = []
    whole = 0
    left = 0
    for line in data.split(b"\n")[:-1][:most]:
        try:
            record = json.loads(line)
        except ValueError:
            break
        if record.pop("n", None) != len(records):
            break
        record.pop("crc")
        following = record.pop("m", 0)
        if left and following != left - 1:  # the append before isn't there as a whole
            break
        records.append(record)
        left = following
        if left == 0:
            whole = len(records)
    return records[:whole]
