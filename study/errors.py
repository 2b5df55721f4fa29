"""What can go wrong with a study, as one tree; each class has the exit code of the command that
meets it.

StudyError
├── UserError (2)               a mistake that the user can mend
│   ├── SpecError               faults in a study file or recipe file, all at once
│   │   └── SpecUnreadable      the storage doesn't give the file
│   ├── StudyExists             the name is taken by a study with another spec
│   ├── StudyNotFound           no study of that name in the storage
│   ├── StudyLocked             another driver holds the study
│   ├── DataMissing             the images are not there and can't be downloaded
│   └── Untrusted               going on would run code that the study names and nobody vouched for
├── OutsideFault (3)            a fault outside the study file
│   ├── JournalDamaged          a record that is not the torn tail can't be read
│   ├── StateLost               the journal has lost records, or isn't its driver's any more
│   ├── StorageFault            disk full, storage unreachable
│   ├── Superseded              another driver has taken the study over
│   ├── RayFault                Ray is gone, or can't run trials
│   └── StudyHalted             the same failure again and again, or too many failures
└── Interrupted (130)           Ctrl-C, SIGTERM or a spent budget: resumable

StudyFileChanged is a warning, no error: what is asked for goes on.
"""

from __future__ import annotations

from collections.abc import Sequence


class StudyError(Exception):
    """What this package raises for a user to read: one plain line or a few."""

    exit_code = 3


class UserError(StudyError):
    """A mistake that the user can mend."""

    exit_code = 2


class SpecError(UserError):
    """Faults in a file that a user wrote.

    ``lines`` holds one text for each fault, with its place in the file, in the file's order.
    """

    def __init__(self, lines: Sequence[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = tuple(lines)


class SpecUnreadable(SpecError):
    """A file that the storage doesn't give, or not at the moment."""


class StudyExists(UserError):
    """The name is taken by a study with another spec."""


class StudyNotFound(UserError):
    """The storage has no study of that name."""


class StudyLocked(UserError):
    """Another driver holds the study; ``holder`` says who: ``process 12 on host``."""

    def __init__(self, study: str, holder: str) -> None:
        super().__init__(f"study {study} is being driven by {holder}")
        self.holder = holder


class DataMissing(UserError):
    """The images are not there and can't be downloaded."""


class Untrusted(UserError):
    """``names`` are those of the code, as ``package.module:factory``."""

    def __init__(self, study: str, names: Sequence[str]) -> None:
        super().__init__(
            f"going on with {study} runs code that its study file names: {', '.join(names)}. You"
            " have not started this study here: look at that code first, then say --trust"
        )
        self.names = tuple(names)


class OutsideFault(StudyError):
    """A fault outside the study file; once it is mended, the study can be resumed."""

    exit_code = 3


class JournalDamaged(OutsideFault):
    """A record of the journal that is not its torn tail can't be read."""


class StateLost(OutsideFault):
    """The journal has lost records: a checkpoint, an attempt or a table is ahead of it, or somebody
    has changed or removed it under its driver.
    """


class StorageFault(OutsideFault):
    """The storage is full or can't be reached."""


class Superseded(OutsideFault):
    """Another driver has taken the study over."""


class RayFault(OutsideFault):
    """Ray is gone, or can't run trials."""


class StudyHalted(OutsideFault):
    """The same failure came again and again, or there were too many failures."""


class Interrupted(StudyError):
    """Ctrl-C, SIGTERM or a spent budget ended the run; the study can be resumed."""

    exit_code = 130


class StudyFileChanged(UserWarning):
    """A study's file was changed by hand; what is shown goes by the version that the study runs
    by.
    """
