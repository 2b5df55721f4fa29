"""The page over an object store: it says what it says over a folder, and follows it."""

from __future__ import annotations

import re
from pathlib import Path

from study.files.layout import StudyPaths
from study.files.object_storage import ObjectPath
from study.journal.journal import Journal, read_records
from study.page.settings import PageSettings

from ...analysis.conftest import Maker, sgd
from .live.watching import watching
from .served import serving


def test_studies_on_an_object_store_are_served_and_followed(
    bucket: ObjectPath, tmp_path: Path
) -> None:
    local = Maker(tmp_path, name="one")
    local.complete_point(sgd(0.1, 0.9), [0.95, 0.97])
    stored = StudyPaths(bucket, "one")
    stored.spec.write_whole(local.paths.spec.read_bytes())
    journal = Journal.create(stored.journal)
    records = read_records(local.paths.journal)
    journal.append(*records)
    with serving(PageSettings({"lab": bucket})) as served:
        (row,) = served.data("/index.json")["studies"]
        assert (row["study"], row["points"], row["best"]) == ("one", 1, 0.96)
        page = served.page("/s/lab/one?wait=1")
        assert "0.9600" in page
        events = re.search(r'sse-connect="([^"]*)"', page)
        assert events
        with watching(served, events[1]) as watcher:
            trial = local.start(local.point(sgd(0.3, 0.5)), 0)
            local.report(trial, 1, 0.4321)
            journal.append(*read_records(local.paths.journal)[len(records) :])
            assert "0.4321" in watcher.until("log", "val_accuracy 0.4321").data
        assert served.data("/s/lab/one/t/2.json")["epochs"] == 1
        assert "val_accuracy 0.4321" in served.ask("/s/lab/one/t/2/log").text
    journal.close()
