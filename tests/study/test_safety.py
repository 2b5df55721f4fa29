"""Nothing that is read back from a study's folder runs code."""

from __future__ import annotations

import os
import pickle  # noqa: TID251  # to make what must never be read
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from study.files.layout import StudyPaths
from study.files.local_storage import LocalPath
from study.training.checkpoint import Checkpoints

from .taking_up import take_up

WATCHED = """
import sys
unpickled = []
sys.addaudithook(lambda event, args: unpickled.append(args) if event == "pickle.find_class" else None)
from pathlib import Path
from study.execution.on_ray.ray_runtime import RayConnection
from study.execution.open_study import open_study
from study.execution.run import RunOptions
from study.files.layout import StudyPaths
from study.files.local_storage import LocalPath
import analysis
from study.results.parquet import write_tables
from analysis.report.report import write_report
from study.inspection.status import status_of

paths = StudyPaths(LocalPath(sys.argv[1]).parent, Path(sys.argv[1]).name)
before = len(unpickled)
with RayConnection(None) as idle, open_study(paths, RunOptions(), idle) as controller:
    controller.take_up()
write_tables(paths)
results = analysis.load(paths.folder)
len(results.points), len(results.trials), len(results.epochs)
results.table("leaderboard").text()
status_of(paths)
print("UNPICKLED", unpickled[before:])
"""


def test_taking_up_and_analyzing_a_study_unpickles_nothing(
    finished: StudyPaths, tmp_path: Path
) -> None:
    folder = tmp_path / "fake"
    shutil.copytree(finished.folder, folder)
    done = subprocess.run(
        [sys.executable, "-c", WATCHED, str(folder)], capture_output=True, text=True, check=False
    )
    assert done.stdout.splitlines()[-1] == "UNPICKLED []", done.stdout + done.stderr


class Bomb:
    def __init__(self, mark: Path) -> None:
        self.mark = str(mark)

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (self.mark,)


def test_a_folder_full_of_pickles_leaves_no_trace(finished: StudyPaths, tmp_path: Path) -> None:
    import analysis

    mark = tmp_path / "exploded"
    bomb = pickle.dumps(Bomb(mark))
    targets = [
        path.relative_to(finished.folder) for path in finished.folder.rglob("*") if path.is_file()
    ]
    for number, target in enumerate(targets):
        paths = StudyPaths(LocalPath(tmp_path / str(number)), "fake")
        shutil.copytree(finished.folder, paths.folder)
        for folder in [paths.folder, *(path for path in paths.folder.rglob("*") if path.is_dir())]:
            (folder / "tuner.pkl").write_bytes(bomb)
            (folder / "params.pkl").write_bytes(bomb)
        (paths.folder / target).write_bytes(bomb)
        take_up(paths)
        Checkpoints(paths.checkpoints(0, 0)).latest()
        with suppress(Exception):
            results = analysis.load(paths.folder)
            len(results.trials), len(results.epochs)
        assert not mark.exists(), f"{target} ran code"
