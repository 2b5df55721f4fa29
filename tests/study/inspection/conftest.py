"""The studies made of events that the analysis is tested on, too."""

from __future__ import annotations

from ...analysis.conftest import make, mixed

__all__ = ["make", "mixed"]
