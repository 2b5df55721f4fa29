"""Trainings of milliseconds."""

from __future__ import annotations

from ...training.conftest import one_thread, tiny

__all__ = ["one_thread", "tiny"]
