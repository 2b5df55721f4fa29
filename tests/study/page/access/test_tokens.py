"""Tokens are made once, kept for the user alone, and compared whole."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from study.errors import UserError
from study.page.access.tokens import Rights, Tokens, load_tokens


@pytest.fixture
def configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.delenv("STUDY_TOKEN", raising=False)
    return tmp_path / "ray-study" / "page"


def test_a_token_is_made_at_the_first_start_and_kept(configuration: Path) -> None:
    tokens = load_tokens(share=False)
    assert len(tokens.full) > 40
    assert tokens.read_only is None
    assert stat.S_IMODE((configuration / "token").stat().st_mode) == 0o600
    assert load_tokens(share=False) == tokens
    shared = load_tokens(share=True)
    assert shared.full == tokens.full
    assert shared.read_only not in (None, tokens.full)
    assert load_tokens(share=True) == shared


def test_a_token_that_others_can_read_is_refused(configuration: Path) -> None:
    load_tokens(share=False)
    (configuration / "token").chmod(0o644)
    with pytest.raises(UserError, match="can be read by others"):
        load_tokens(share=False)


def test_an_empty_token_file_is_refused(configuration: Path) -> None:
    load_tokens(share=False)
    (configuration / "token").write_text("\n")
    with pytest.raises(UserError, match="must hold a token"):
        load_tokens(share=False)


def test_the_environments_token_counts(
    configuration: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STUDY_TOKEN", "a-token-of-the-environment")
    assert load_tokens(share=False) == Tokens("a-token-of-the-environment")
    assert not configuration.exists()
    for weak in ("", "short", "ä" * 20):
        monkeypatch.setenv("STUDY_TOKEN", weak)
        with pytest.raises(UserError, match="STUDY_TOKEN must be 16 characters"):
            load_tokens(share=False)


def test_a_token_gives_its_rights_and_no_other_any() -> None:
    tokens = Tokens("full-token", "read-token")
    assert tokens.rights_of("full-token") is Rights.FULL
    assert tokens.rights_of("read-token") is Rights.READ
    for wrong in ("", "full", "full-token ", "FULL-TOKEN", "\udcff"):
        assert tokens.rights_of(wrong) is None
    assert Tokens("full-token").rights_of("") is None
