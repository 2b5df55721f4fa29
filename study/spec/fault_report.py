"""The faults of one study file, each as a line that says where it is and what is wrong there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from search_spaces.validation import Fault, format_path
from study.errors import SpecError
from study.files.yaml_reader import Document
from study.spec.overrides import Overrides


@dataclass
class FaultReport:
    """Collects the faults of a document and of the options that were laid over it."""

    file: str
    document: Document
    overrides: Overrides = field(default_factory=lambda: Overrides(None))
    faults: list[Fault] = field(default_factory=list)

    def add(self, faults: Sequence[Fault]) -> bool:
        """Add faults, one for a path, and return whether there were none.

        Where the text itself is at fault, what was made of it isn't judged as well.
        """
        for fault in faults:
            is_known = any(fault.path == other.path for other in self.faults)
            if not is_known and not self._is_unreadable(fault):
                self.faults.append(fault)
        return not faults

    def _is_unreadable(self, fault: Fault) -> bool:
        """Whether the document's own text is at fault where this fault is, or above it."""
        path = format_path(fault.path)
        for _, other in self.document.faults:
            if other.on_key or not other.path:
                continue
            top = format_path(other.path)
            if path == top or path.startswith((f"{top}.", f"{top}[")):
                return True
        return False

    def lines(self) -> list[str]:
        """Return all faults as lines: those of the file in its order, then those of the options."""
        in_file = list(self.document.faults)
        in_options = [f"{option}: {fault}" for option, fault in self.overrides.faults]
        for fault in self.faults:
            option = self.overrides.origin(fault.path)
            if option is None:
                in_file.append((self.document.line(fault.path, fault.on_key), fault))
            else:
                in_options.append(f"{option}: {_as_set(fault)}")
        in_file.sort(key=lambda entry: entry[0])
        lines = [*(f"{self.file}:{line}: {fault}" for line, fault in in_file), *in_options]
        return list(dict.fromkeys(one_line(line) for line in lines))

    def raise_faults(self) -> None:
        """Raise a SpecError with every fault that was collected, if there are any."""
        if self.document.faults or self.faults or self.overrides.faults:
            raise SpecError(self.lines())


def one_line(text: str) -> str:
    """Return ``text`` with every character that can't be printed replaced, line breaks as well."""
    return "".join(character if character.isprintable() else "�" for character in text)


def _as_set(fault: Fault) -> Fault:
    """Return a fault in ``overrides:`` at the path by which ``--set`` knows it."""
    if fault.path[:1] == ("overrides",):
        return replace(fault, path=("recipe", *fault.path[1:]))
    return fault
