"""Run all rivals on all spaces, and write the tables of docs/fewer-epochs.md.

``python -m tests.bench.search [--repetitions 100] [--spaces digits,cifar10] [--workers 1,4,8]
[--rivals NAME …] [--processes N]``: with fewer of anything but repetitions and processes the
tables are shown and not written.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import warnings
from concurrent.futures import ProcessPoolExecutor
from itertools import product

from .recorded import SPACES, recorded_space
from .rivals import is_slow, rivals
from .story import Story
from .tables import Cell, tables, write_tables

REPETITIONS = 100
WORKERS = (1, 4, 8)


def repeat(cell: Cell, repetitions: int) -> list[Story]:
    """All repetitions of one rival on one space and so many workers."""
    warnings.simplefilter("ignore")  # the libraries' own
    logging.disable(logging.WARNING)
    run, space = rivals()[cell.rival], recorded_space(cell.space)
    return [run(space, number, cell.workers) for number in range(repetitions)]


def main() -> None:
    """Measure, then show the tables, and write them where all was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=REPETITIONS)
    parser.add_argument("--spaces", default=",".join(SPACES))
    parser.add_argument("--workers", default=",".join(map(str, WORKERS)))
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    parser.add_argument("--rivals", nargs="*", help="only those whose names hold one of these")
    given = parser.parse_args()
    if given.rivals:
        names = [name for name in rivals() if any(word in name for word in given.rivals)]
    else:
        names = [name for name in rivals() if not is_slow(name)]
    workers = [int(count) for count in given.workers.split(",")]
    cells = [Cell(*each) for each in product(given.spaces.split(","), workers, names)]
    stories: dict[Cell, list[Story]] = {}
    with ProcessPoolExecutor(given.processes) as pool:
        done = pool.map(repeat, cells, [given.repetitions] * len(cells))
        for cell, of_cell in zip(cells, done, strict=True):
            stories[cell] = of_cell
            print(f"{len(stories)}/{len(cells)} {', '.join(map(str, cell))}", file=sys.stderr)
    text = tables(stories)
    print(text)
    if not given.rivals and len(cells) == len(SPACES) * len(WORKERS) * len(names):
        write_tables(text)


if __name__ == "__main__":
    main()
