"""A failure in the journal's JSON."""

from __future__ import annotations

from study.journal.failure import FAILURE_CLASSES, Failure


def test_a_failure_in_json_has_a_class_a_message_and_details() -> None:
    failure = Failure("out_of_memory", "full", {"requested_bytes": 7})
    record = {"class": "out_of_memory", "message": "full", "details": {"requested_bytes": 7}}
    assert failure.to_record() == record
    assert Failure.from_record(record) == failure
    assert Failure("node", "lost").to_record()["details"] == {}


def test_training_has_no_class_of_failure_that_the_journal_has_not() -> None:
    from typing import get_args

    from study.training.runtime.failures import TrainingFailureClass

    assert set(get_args(TrainingFailureClass)) == set(FAILURE_CLASSES) - {"node", "storage"}
