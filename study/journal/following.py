"""A journal that is followed: its state, brought up to date by what was appended alone."""

from __future__ import annotations

from study.files.storage import StoragePath
from study.journal.event_codec import Record
from study.journal.history import History
from study.journal.journal import read_records
from study.journal.log import record_lines
from study.journal.log.log_tail import Place, tail_at
from study.journal.log.record_lines import WholeRecords, read_appended
from study.journal.replay import add_records


class FollowedJournal:
    """A study's state by its journal, as far as it was read. To look again costs one small read,
    however long the journal is.
    """

    def __init__(self, path: StoragePath) -> None:
        self._path = path
        self._tail = tail_at(path)
        self._unread_bytes = 0
        """How many bytes there were, when one looked last, that aren't whole records."""
        self.beginnings = 0
        """How often it was read from its beginning: once, and again where another journal has
        come in its place. Then what was read before holds no longer.
        """
        self._begin()

    def _begin(self) -> None:
        self._place = Place()
        self.history = History()
        self.beginnings += 1

    @property
    def record_count(self) -> int:
        """How many records were read."""
        return self._place.record

    def read_on(self) -> list[Record]:
        """Read what was appended since the last time, into ``history`` too.

        Raises JournalDamaged where more than a torn tail is bad, UserError where a newer program
        has written the journal, and OSError where the storage refuses.
        """
        data = self._tail.appended(self._place)
        if data is None:
            return self._begin_anew()
        first = self._place.record
        whole = read_appended(data, first)
        if whole.records and len(data) >= record_lines.LARGEST_APPEND_BYTES:
            self._add(whole)
            return [*whole.records, *self.read_on()]
        unread_bytes = len(data) - whole.size_bytes
        if unread_bytes and unread_bytes != self._unread_bytes:
            # a tail that is torn or just being written, unless the whole journal says otherwise
            found = read_records(self._path)
            if len(found) > first + len(whole.records):
                return self._begin_anew()
        self._unread_bytes = unread_bytes
        self._add(whole)
        return list(whole.records)

    def _begin_anew(self) -> list[Record]:
        """Read the journal that has come in the place of the one that was read."""
        self._begin()
        whole = read_appended(self._tail.appended(self._place) or b"", 0)
        self._add(whole)
        return list(whole.records)

    def _add(self, whole: WholeRecords) -> None:
        add_records(self.history, whole.records, self._path)
        record = self._place.record + len(whole.records)
        self._place = Place(self._place.byte + whole.size_bytes, record)
        self.history.journal_bytes = self._place.byte
