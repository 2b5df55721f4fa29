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


def own_place(error: BaseException) -> str:
    """Return the place in the user's own files that an exception tells of, as ``FILE:LINE``; of a
    syntax error where it stands, not where that file was imported. Empty where there is none.
    """
    if isinstance(error, SyntaxError) and error.filename and _is_own(error.filename):
        return f"{error.filename}:{error.lineno}"
    frames = own_frames(error)
    return f"{frames[-1].filename}:{frames[-1].lineno}" if frames else ""


def import_fault(error: BaseException) -> str:
    """Return the class and message of what importing the user's code has raised."""
    if isinstance(error, SyntaxError):
        return f"{type(error).__name__}: {error.msg}"  # its text names the file once more
    try:
        return f"{type(error).__name__}: {error}"
    except Exception:  # a text that raises
        return type(error).__name__


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
