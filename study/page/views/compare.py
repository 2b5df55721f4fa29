"""Two studies side by side."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

from analysis.frames import Study
from analysis.rendering import Table
from analysis.results import Results
from analysis.tables.comparison import comparison_table
from study.errors import UserError
from study.page.answers import data_answer, in_thread, page_answer, wants_data
from study.page.drawing.curves import Curve, curves_svg
from study.page.drawing.series import best_points, shown_curves
from study.page.readings.followed_study import FollowedStudy
from study.page.readings.library import Library
from study.page.readings.rows import row_of
from study.page.site import SITE


async def compare(request: web.Request) -> web.Response:
    """Answer with two studies side by side, or with a choice of two."""
    library = request.app[SITE].library
    names = (request.query.get("a", ""), request.query.get("b", ""))
    if wants_data(request):
        found = await in_thread(_compared, library, names)
        table: Table = found.pop("table")
        found.pop("drawings")
        return data_answer({**found, "comparison": json.loads(table.json())})
    content: dict[str, Any] = {"a": names[0], "b": names[1], "table": None}
    content["choice"] = await in_thread(_choice, library)
    if all(names):
        content |= await in_thread(_compared, library, names)
    return page_answer(request, "compare.html.j2", content)


def _choice(library: Library) -> list[str]:
    """List the studies that can be compared, as LABEL/NAME."""
    rows = library.overview(0.0).rows
    return sorted(f"{row['label']}/{row['study']}" for row in rows)


def _compared(library: Library, names: tuple[str, str]) -> dict[str, Any]:
    studies = [_study_of(library, name) for name in names]
    rows, results, drawings = [], [], []
    for study in studies:
        with study.lock:
            study.read_on()
            rows.append(row_of(study))
            drawings.append(_drawing(study))
            found = Study(study.paths, spec=study.spec, history=study.history)
            _ = found.all_tables  # while nothing is added to the history
        results.append(Results((found,)))
    table = comparison_table(*results)
    return {"studies": rows, "table": table, "drawings": drawings}


def _study_of(library: Library, name: str) -> FollowedStudy:
    """Return the study that LABEL/NAME names."""
    label, slash, study = name.partition("/")
    if not slash:
        raise UserError(f"a study is named LABEL/NAME here: a=lab/one; found {name!r:.80}")
    return library.study(label, study)


def _drawing(study: FollowedStudy) -> str:
    """Draw the curves of a study's best points."""
    curves: list[Curve] = shown_curves(
        study.history, study.spec, best_points(study.history, study.spec)
    )
    return curves_svg(curves, f"{study.spec.objectives[0].metric} over epochs of {study.name}")
