"""``python -m tests.simulation``: plays seeds, and says which have failed; with ``--seed`` one, and
its whole story.
"""

from __future__ import annotations

import argparse
import gc
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from multiprocessing import Pool

from .simulation import Outcome, simulate

CHUNK = 20
Played = tuple[list[str], Counter[str], float]
"""What was found in some seeds: a line for each that failed, counts, and processor seconds."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seed", type=int, help="play this one, and tell its story")
    parser.add_argument("--first", type=int, default=0, help="play seeds from this one on")
    parser.add_argument("--count", type=int, default=10_000, help="so many")
    parser.add_argument("--stop", action="store_true", help="end with the first that fails")
    parser.add_argument("--jobs", type=int, default=2, help="in so many processes")
    words = parser.parse_args()
    if words.seed is not None:
        return tell(simulate(words.seed))
    return play(words.first, words.count, words.jobs, stops=words.stop)


def tell(outcome: Outcome) -> int:
    """Tell a seed's story, event by event; return 1 where it has failed."""
    print(outcome.told())
    print(f"seed {outcome.seed}: {outcome.seconds:.3f} s")
    if outcome.error is None:
        return 0
    traceback.print_exception(outcome.error)
    print(f"seed {outcome.seed} fails: {outcome.failure}")
    return 1


def play(first: int, count: int, jobs: int, *, stops: bool) -> int:
    """Play many seeds; return 1 where one has failed."""
    began = time.monotonic()
    failures: list[str] = []
    counts: Counter[str] = Counter()
    seconds = 0.0
    for lines, counted, spent in _played(first, count, jobs):
        counts += counted
        seconds += spent
        failures += lines
        for line in lines:
            print(line, flush=True)
        if failures and stops:
            break
    for what, number in sorted(counts.items()):
        print(f"{number:9d}  {what}")
    print(
        f"{count} seeds from {first} on: {len(failures)} failed, in"
        f" {time.monotonic() - began:.0f} s ({seconds:.0f} s of processors)"
    )
    return int(bool(failures))


def _played(first: int, count: int, jobs: int) -> Iterator[Played]:
    gc.freeze()  # what is loaded stays, and need not be looked at again and again
    end = first + count
    chunks = [range(start, min(start + CHUNK, end)) for start in range(first, end, CHUNK)]
    if jobs == 1:
        yield from map(play_chunk, chunks)
        return
    with Pool(jobs) as pool:
        yield from pool.imap_unordered(play_chunk, chunks)


def play_chunk(seeds: range) -> Played:
    """Play seeds one after the other."""
    failures: list[str] = []
    counts: Counter[str] = Counter()
    began = time.process_time()
    for seed in seeds:
        outcome = simulate(seed)
        counts += outcome.counts
        if outcome.error is not None:
            failures.append(f"SEED={seed}: {outcome.failure[:300]}")
    return failures, counts, time.process_time() - began


if __name__ == "__main__":
    sys.exit(main())
