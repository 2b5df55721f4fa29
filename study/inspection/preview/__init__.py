"""What a study would do, before it does it."""

from study.inspection.preview.making import preview_of
from study.inspection.preview.shown import Preview

__all__ = ["Preview", "preview_of"]
