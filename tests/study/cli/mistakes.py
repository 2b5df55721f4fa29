"""A user's mistake is told plainly, and leaves nothing behind."""

from __future__ import annotations

from pathlib import Path

from ..command import run


def check_mistake(home: Path, words: str, expected: str) -> None:
    (home / "plain.yaml").write_text("model: mlp")
    (home / "own.yaml").write_text(
        "{study: big, recipe: {model: 'nomod:net'}, sampler: first-only, first: [{set: {}}]}"
    )
    said = run(home, *words.split(), code=2).stderr
    assert expected in said
    assert "Traceback" not in said
    assert not any((home / left).exists() for left in ("studies/big", "out", "trainings/plain"))
