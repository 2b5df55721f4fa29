"""Finished studies as their drivers have left them: ``many_studies.py COUNT POINTS FOLDER``."""

import sys
from pathlib import Path

from study.results.parquet import write_tables
from tests.analysis.conftest import Maker, filled

count, points, folder = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
for number in range(count):
    study = filled(Maker(folder, name=f"s{number:05d}"), points)
    write_tables(study.paths)
    if hasattr(study, "summarize"):  # earlier drivers left no summary
        study.summarize()
