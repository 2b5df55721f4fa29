"""What can go wrong with a study, as one tree; each class carries the exit code of the command that
meets it.

StudyError
├── UserError (2)               a mistake that the user can mend
│   ├── SpecError               faults in a study file or recipe file, all at once
│   ├── StudyExists             the name is taken by a study with another spec
│   ├── StudyNotFound           no study of that name in the storage
│   ├── StudyLocked             another driver holds the study
│   └── DataMissing             the images are not there and can't be downloaded
├── OutsideFault (3)            a fault outside the study file
│   ├── JournalDamaged          a record that is not the torn tail can't be read
│   ├── StateLost               a checkpoint, attempt or table is ahead of the journal
│   ├── StorageFault            disk full, storage unreachable
│   ├── Superseded              another driver has taken the study over
│   └── StudyHalted             the same failure again and again, or too many failures
└── Interrupted (130)           Ctrl-C, SIGTERM or a spent budget: resumable
"""

from __future__ import annotations

from collections.abc import Sequence


class StudyError(Exception):
    """The root: everything this package raises for a user to read, on one or a few plain lines."""

    exit_code = 3


class UserError(StudyError):
    exit_code = 2


class SpecError(UserError):
    """Faults in a file that a user wrote; ``lines`` are rendered, one fault each, in file order."""

    def __init__(self, lines: Sequence[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = tuple(lines)


class StudyExists(UserError):
    pass


class StudyNotFound(UserError):
    pass


class StudyLocked(UserError):
    """``holder`` says who drives the study: ``process 12 on host``."""

    def __init__(self, study: str, holder: str) -> None:
        super().__init__(f"study {study} is being driven by {holder}")
        self.holder = holder


class DataMissing(UserError):
    pass


class OutsideFault(StudyError):
    exit_code = 3


class JournalDamaged(OutsideFault):
    pass


class StateLost(OutsideFault):
    pass


class StorageFault(OutsideFault):
    pass


class Superseded(OutsideFault):
    pass


class StudyHalted(OutsideFault):
    pass


class Interrupted(StudyError):
    exit_code = 130
