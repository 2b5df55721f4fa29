"""Which frames of a traceback are the user's own: what he can mend is shown to him first."""

from __future__ import annotations

import os
import sysconfig
import traceback
from pathlib import Path

_PROJECT = Path(__file__).parents[3]
_OTHERS = (
    *(f"{_PROJECT / package}{os.sep}" for package in ("study", "analysis", "search_spaces")),
    *(f"{sysconfig.get_path(name)}{os.sep}" for name in ("stdlib", "purelib", "platlib")),
)
"""Folders of this project, of Python and of the libraries beside it."""


def own_frames(error: BaseException) -> list[traceback.FrameSummary]:
    """Return the frames of an exception that lie in the user's own files, the innermost last."""
    frames = traceback.extract_tb(error.__traceback__)
    return [frame for frame in frames if _is_own(frame.filename)]


def _is_own(filename: str) -> bool:
    """Whether a file is neither this project's, nor a library's, nor Python's own."""
    path = os.path.abspath(filename)
    return filename[:1] != "<" and not path.startswith(_OTHERS)


def own_frames_first(error: BaseException) -> str:
    """Return an exception's class and message, and below them the frames of the user's code.

    Nothing where there are none of those.
    """
    told = "".join(traceback.format_exception_only(error))
    frames = own_frames(error)
    if not frames:
        return ""
    return f"{told}\nin your own code:\n{''.join(traceback.format_list(frames))}\nin full:\n"
