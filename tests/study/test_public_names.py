"""The names of ``study`` itself are loaded when they are asked for."""

from __future__ import annotations

import study


def test_every_public_name_is_there() -> None:
    for name in study.__all__:
        assert getattr(study, name).__name__ == name
    assert issubclass(study.Stopped, BaseException)
    assert not issubclass(study.Stopped, Exception)
