"""A part of the seeds, and those that have failed once; ``make simulate`` plays ten thousand."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from study.files import atomic
from study.spec import load

from .__main__ import play_chunk, tell
from .seen import Broken
from .simulation import simulate
from .surroundings.faults import Faults
from .surroundings.local_disk import LocalDisk
from .surroundings.world import World
from .verdict import Verdict

PART = 300
CHUNK = 25
ROOT = Path(__file__).parents[2]
ONCE_FAILED = Path(__file__).with_name("once_failed.txt")


def check(seed: int) -> None:
    """Play a seed; where it fails, say how it is repeated."""
    outcome = simulate(seed)
    if outcome.error is not None:
        raise AssertionError(f"SEED={seed} make simulate: {outcome.failure}") from outcome.error


@pytest.mark.parametrize("first", range(0, PART, CHUNK))
def test_a_study_keeps_its_promises_whatever_happens(first: int) -> None:
    for seed in range(first, first + CHUNK):
        check(seed)


def once_failed() -> list[int]:
    """The seeds of the list: a line is a seed, and what it has found."""
    lines = [line for line in ONCE_FAILED.read_text().splitlines() if not line.startswith("#")]
    return [int(line.split(maxsplit=1)[0]) for line in lines]


@pytest.mark.parametrize("seed", once_failed())
def test_a_seed_that_has_failed_once_fails_no_more(seed: int) -> None:
    check(seed)


def another_process(seeds: list[int], hash_seed: int) -> subprocess.Popen[str]:
    """A process that prints what happens with these seeds, where sets have another order."""
    code = (
        "import sys\n"
        "from tests.simulation.test_simulation import story\n"
        "print(story([int(word) for word in sys.argv[1:]]), end='')"
    )
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, seeds)],
        env=os.environ | {"PYTHONHASHSEED": str(hash_seed)},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )


def story(seeds: list[int]) -> str:
    return "".join(simulate(seed).told() for seed in seeds)


def test_the_same_seed_tells_the_same_story() -> None:
    seeds = [3, 11, 24, 42, 78, 131]
    others = [another_process(seeds, hash_seed) for hash_seed in (1, 2)]
    here = story(seeds)
    for other in others:
        assert first_difference(other.communicate()[0], here) is None


def test_a_world_leaves_nothing_behind_that_a_later_one_remembers() -> None:
    before = set(atomic._durable), list(load._READ_BEFORE)
    assert simulate(3).error is None
    assert (set(atomic._durable), list(load._READ_BEFORE)) == before


def test_a_seed_that_fails_tells_its_study_its_faults_and_what_is_wrong(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def break_a_promise(verdict: Verdict) -> None:
        raise Broken(f"nothing is right in {verdict._paths.folder}")

    monkeypatch.setattr(Verdict, "check", break_a_promise)
    outcome = simulate(2)
    assert tell(outcome) == 1
    shown = capsys.readouterr()
    assert "nothing is right" in shown.err
    study, faults, *events, last = shown.out.splitlines()
    assert 'world: study: {"study": "simulated", ' in study
    assert "world: faults: " in faults
    assert any("driver 0: starts on " in event for event in events)
    assert last == "seed 2 fails: Broken: nothing is right in /simulated/studies/simulated"
    lines = play_chunk(range(2, 3))[0]
    assert lines == [f"SEED=2: {outcome.failure}"]


def test_another_thread_takes_no_name_from_a_world() -> None:
    world = World(seed=0)
    disk = LocalDisk(world, Faults(world), "/simulated")
    elsewhere = next(disk.temporary_names())
    world.current = "a task"  # type: ignore[assignment]
    assert next(disk.temporary_names()) == "t0000001" != elsewhere


def first_difference(one: str, other: str) -> tuple[int, str, str] | None:
    """The number of the first line in which two stories differ, and what each tells there."""
    lines = itertools.zip_longest(one.splitlines(), other.splitlines(), fillvalue="")
    differing = ((number, *pair) for number, pair in enumerate(lines) if pair[0] != pair[1])
    return next(differing, None)


def test_a_thread_of_an_earlier_test_keeps_its_own_time() -> None:
    world = World(seed=0)
    world.current = "a task"  # type: ignore[assignment]
    seen: list[object] = []
    thread = threading.Thread(target=lambda: seen.append(world.current))
    thread.start()
    thread.join()
    assert seen == [None]
