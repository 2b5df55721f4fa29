"""What is asked of a job arrives there as it was meant."""

from __future__ import annotations

from study.cluster.job_request import JobRequest

from ..fake_cluster import small_spec


def test_a_request_survives_its_way_through_the_environment() -> None:
    request = JobRequest(
        name="fake",
        storage="s3://bucket/studies",
        study_file=small_spec().yaml(),
        version="0.1.0",
        retries=0,
        extension={"points": 9, "sets": ["stop.target=0.9"]},
        options={"keep_going": True, "data_dir": None},
    )
    assert JobRequest.from_json(request.to_json()) == request
    assert request.spec() == small_spec()
