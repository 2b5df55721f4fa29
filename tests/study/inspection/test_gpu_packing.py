"""How many trials a GPU has room for, and how many GPUs stay idle."""

from __future__ import annotations

from study.inspection.gpu_packing import gpu_notes, packing_hint
from study.journal.history import History
from study.journal.trials import Attempt, Trial
from study.spec.load import spec_from_tree
from study.spec.spec import StudySpec


def history(peak_gib: float | None, total_gib: float | None) -> History:
    found = History([])
    for number in range(2):
        trial = Trial(number, number, 0, 0, "search")
        total = None if total_gib is None else int(total_gib * 2**30)
        trial.attempts.append(Attempt(1, 0.0, 0, device="NVIDIA", device_bytes=total))
        peak = None if peak_gib is None else int(peak_gib * 2**30 / (number + 1))
        trial.rows.append({"epoch": 1, "peak_memory_bytes": peak})
        found.trials.append(trial)
    return found


def test_the_share_that_would_do_follows_from_the_most_memory_that_a_trial_held() -> None:
    # 1.25 × 2.6 + 0.75 = 4 GiB of 24: six trials
    assert (
        packing_hint(history(2.6, 24), 1)
        == "a trial held at most 2.6 GiB of its GPU's 24 GiB: resources: {gpus: 0.166} would run 6"
        " at once on each"
    )
    assert "{gpus: 0.062} would run 16 at once" in packing_hint(history(0.1, 140), 1), (
        "however small they are"
    )


def test_nothing_is_said_where_nothing_speaks_for_it() -> None:
    assert packing_hint(history(10, 24), 1) == "", "one has no room for a second"
    assert packing_hint(history(2.6, 24), 0.25) == "", "six are not twice four"
    assert packing_hint(history(2.6, 24), 0) == ""
    assert packing_hint(history(2.6, None), 1) == ""
    assert packing_hint(history(None, 24), 1) == ""
    assert packing_hint(History([]), 1) == ""


def spec_on(gpus: float, **keys: object) -> StudySpec:
    recipe = keys.pop("recipe", {"epochs": 1})
    return spec_from_tree(
        {
            "study": "s",
            "points": 2,
            "space": {"optimizer": {"lr": {"log": [0.01, 1]}}},
            "resources": {"gpus": gpus},
            "recipe": recipe,
            **keys,
        }
    )


def notes_on(gpus: float, concurrency: int, there: int) -> list[str]:
    return list(gpu_notes(spec_on(gpus, reproducible=True), concurrency, there))


def test_gpus_that_shares_leave_idle_are_named_with_the_share_that_would_not() -> None:
    (note,) = notes_on(0.25, concurrency=4, there=8)
    assert note == (
        "4 trials at once of 0.25 GPUs each fill 1 of the 8 GPUs, and the others stay idle:"
        " resources: {gpus: 1} would use all that can be"
    )
    assert "{gpus: 0.333}" in notes_on(0.125, concurrency=6, there=2)[0]
    assert notes_on(0.25, concurrency=8, there=2) == []
    assert notes_on(1, concurrency=2, there=8) == [], "there are no more trials"
    assert notes_on(0.25, concurrency=4, there=0) == []
    assert notes_on(0, concurrency=4, there=8) == []


def test_a_study_that_gpus_will_not_repeat_is_told_so() -> None:
    (note,) = gpu_notes(spec_on(1), 1, 1)
    assert note.endswith("this study is not reproducible")
    repeating = {"epochs": 1, "execution": {"deterministic": True}}
    assert list(gpu_notes(spec_on(1, recipe=repeating), 1, 1)) == []
