"""Clients of object stores are set by the environment, and fail as file systems do."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from obstore.exceptions import AlreadyExistsError, GenericError

from study.files.object_client import client, errors_as_os_errors

WHERE = "s3://bucket/file"


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (AlreadyExistsError("there"), FileExistsError),
        (FileNotFoundError("nothing"), FileNotFoundError),
        (GenericError("timed out"), OSError),
    ],
)
def test_a_store_s_errors_are_those_of_a_file_system(
    error: Exception, expected: type[OSError]
) -> None:
    with pytest.raises(expected, match=WHERE), errors_as_os_errors(WHERE):
        raise error


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<Error><Code>NoSuchBucket</Code>\nmore", "there is no such bucket"),
        ("<Code>AccessDenied</Code>", "access is denied"),
        ("first line Debug source: x\nsecond line", "first line"),
    ],
)
def test_what_went_wrong_is_one_line(text: str, expected: str) -> None:
    with pytest.raises(OSError, match=expected) as caught, errors_as_os_errors(WHERE):
        raise GenericError(text)
    assert caught.value.strerror is not None
    assert caught.value.strerror.strip() == expected
    assert caught.value.filename == WHERE


def test_other_errors_pass_through() -> None:
    with pytest.raises(KeyError), errors_as_os_errors(WHERE):
        raise KeyError("mistake")


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    client.cache_clear()
    yield monkeypatch
    client.cache_clear()


def test_a_bucket_has_one_client_with_the_environment_s_endpoint(
    environment: pytest.MonkeyPatch,
) -> None:
    environment.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    store = client("s3://bucket")
    assert client("s3://bucket") is store
    assert store.config["endpoint"] == "http://127.0.0.1:9"
    assert store.client_options["allow_http"] in (True, "true")


def test_without_an_endpoint_of_plain_http_none_is_allowed(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("AWS_ENDPOINT_URL", "https://storage.example")
    assert client("s3://bucket").client_options["allow_http"] in (False, "false")
