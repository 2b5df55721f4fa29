"""The faults that are planted, each as a change of one place in the project's code.

Some were found by reviews or by the simulator and were mended: they are put back one by one. The
others are mistakes that are easily made at a place that matters.
"""

from __future__ import annotations

from typing import NamedTuple


class Mutant(NamedTuple):
    """A fault, and how it gets into the code."""

    fault: str
    file: str
    before: str
    after: str
    found_by: str = ""
    """The test that finds it, where no simulated world can."""


MUTANTS = [
    # --- found by reviews ---
    Mutant(
        "a request is removed before what it asks for is on record",
        "study/execution/retention/housekeeping.py",
        "                if self._carry_out(request):\n",
        "                requests.discard([request])\n                if self._carry_out(request):\n",
    ),
    Mutant(
        "a request to stop that comes while Ray starts is discarded",
        "study/execution/open_run.py",
        "        self._signals.catch()  # again",
        "        from study.files import requests\n        requests.discard(requests.waiting_stops(self._paths))\n        self._signals.catch()  # again",
    ),
    Mutant(
        "a request to stop that comes while a study ends is discarded",
        "study/execution/driver.py",
        "                result = _drive(paths, options, (), None, None, (), False)\n",
        "                earlier_stops = requests.waiting_stops(paths)\n                result = _drive(paths, options, earlier_stops, None, None, (), False)\n",
    ),
    Mutant(
        "a request that was answered is carried out again",
        "study/execution/retention/housekeeping.py",
        "        if request.path.name in self._controller.history.answered_requests:\n",
        "        if False:\n",
    ),
    Mutant(
        "a part of an append is taken for whole",
        "study/journal/log/record_lines.py",
        "        if following == 0:\n",
        "        if True:\n",
    ),
    Mutant(
        "a failed merge makes the append be made once more",
        "study/journal/log/log_storage.py",
        "            with suppress(OSError):  # the append is made;",
        "            with suppress(ValueError):  # the append is made;",
    ),
    Mutant(
        "a merged object is taken for whole without being counted",
        "study/journal/log/log_storage.py",
        '                if content.count(b"\\n") != copy.following - copy.first:\n',
        "                if False:\n",
    ),
    Mutant(
        "a checkpoint that can't be read for a moment counts as missing",
        "study/training/checkpoint.py",
        "    except FileNotFoundError:\n        return None\n",
        "    except OSError:\n        return None\n",
    ),
    Mutant(
        "a worker that lives on removes its successor's checkpoints",
        "study/training/checkpoint.py",
        "        files = [file for file in self.newest_first() if file.attempt <= self.attempt]\n",
        "        files = sorted(self.newest_first(), key=lambda file: -file.epoch)\n",
        # one epoch after its driver's death a worker stands still: it never comes to be ahead
        "tests/study/training/test_checkpoint.py::test_a_worker_that_lives_on_removes_no_checkpoint_of_its_successor",
    ),
    Mutant(
        "tables are stamped with a journal that they were not made from",
        "study/results/parquet.py",
        "        stamp = {JOURNAL_BYTES_KEY: str(self.made_from_bytes).encode()}\n",
        "        stamp = {JOURNAL_BYTES_KEY: str(journal_bytes(self.paths.journal)).encode()}\n",
    ),
    Mutant(
        "a removed lock is not noticed, nor a journal that has changed",
        "study/journal/log/log_storage.py",
        "        self._check_unchanged()\n",
        "",
    ),
    Mutant(
        "the length of a session goes by the clock on the wall",
        "study/controller/stop_conditions.py",
        "import time\n",
        "import types, time as _time\ntime = types.SimpleNamespace(time=_time.time, monotonic=lambda: _time.time())\n",
    ),
    # --- found by the simulator ---
    Mutant(
        "quasi-random points depend on which point ends first",
        "study/sampling/samplers.py",
        '    if choice.name == "qmc" and space is not None:\n',
        "    if False:\n",
    ),
    Mutant(
        "a lock whose holder can't be written into it is kept",
        "study/files/lock.py",
        "            os.ftruncate(self._descriptor, 0)\n            os.pwrite(self._descriptor, this_process().encode(), 0)\n        except BaseException:  # on a full disk, say, the lock is not kept either\n            self.release()\n            raise\n",
        "        except BaseException:\n            self.release()\n            raise\n        os.ftruncate(self._descriptor, 0)\n        os.pwrite(self._descriptor, this_process().encode(), 0)\n",
    ),
    Mutant(
        "zeros that a loss of power has left are taken for damage",
        "study/journal/log/record_lines.py",
        "_is_one_append_with_a_hole(reading, unread) or _is_late(reading, lines)",
        "_is_late(reading, lines)",
    ),
    Mutant(
        "a fresh seed whose point was outdone is never gone on with",
        "study/controller/choosing/confirmation.py",
        "    return asked + _begun_for_others(history.points, points)\n",
        "    return asked\n",
    ),
    Mutant(
        "checkpoints that outlive their study are left for ever",
        "study/execution/open_run.py",
        "        self._housekeeping.close()\n        provenance.write(self._controller.history, self._paths)\n",
        "        provenance.write(self._controller.history, self._paths)\n",
    ),
    # --- durability ---
    Mutant(
        "an append is not synced",
        "study/journal/log/log_storage.py",
        "        os.fsync(self._descriptor)\n        self._check_alone()\n",
        "        self._check_alone()\n",
    ),
    Mutant(
        "a file is renamed before it is synced",
        "study/files/atomic.py",
        "            file.flush()\n            os.fsync(file.fileno())\n",
        "            file.flush()\n",
    ),
    Mutant(
        "a file's new name is not synced",
        "study/files/atomic.py",
        "        raise\n    sync_folder(path.parent)\n",
        "        raise\n",
    ),
    Mutant(
        "a new journal's name is not synced",
        "study/journal/log/log_storage.py",
        "        if end == 0:\n            self._make_name_durable()\n",
        "",
    ),
    Mutant(
        "what a failed append has left is not rolled back",
        "study/journal/log/log_storage.py",
        "            raise self._changed(self._size())\n        os.ftruncate(self._descriptor, self._end)\n",
        "            raise self._changed(self._size())\n",
    ),
    Mutant(
        "a torn tail is not cut",
        "study/journal/log/log_storage.py",
        "            os.ftruncate(self._descriptor, end)\n            os.fsync(self._descriptor)\n",
        "            self._end = self.size()\n",
    ),
    Mutant(
        "events of a group that stands alone are lost",
        "study/controller/study_state.py",
        "            if group:\n                self._append(*group)\n",
        "            if len(group or ()) > 1:\n                self._append(*group)\n",
    ),
    # --- two drivers ---
    Mutant(
        "a driver writes over what another has recorded",
        "study/journal/log/log_storage.py",
        "            path.create_exclusively(data)\n",
        "            path.write_whole(data)\n",
    ),
    Mutant(
        "two drivers hold one lock",
        "study/files/lock.py",
        "                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)\n",
        "                fcntl.flock(self._descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)\n",
    ),
    Mutant(
        "a worker is listened to whose trial has another attempt",
        "study/controller/worker_messages.py",
        "        return trial if trial.is_in_flight and trial.attempt.number == attempt else None\n",
        "        return trial if trial.is_in_flight else None\n",
        # within one driver, whoever speaks for an attempt is forgotten before the next one begins
        "tests/study/controller/test_worker_messages.py::test_an_attempt_that_outlived_its_node_is_not_heard",
    ),
    # --- decisions ---
    Mutant(
        "what was reported and not decided on is never decided",
        "study/execution/open_study.py",
        "    controller.take_up()\n",
        "",
    ),
    Mutant(
        "of equal points the last is the best",
        "study/journal/ranking.py",
        "    return min(found, key=lambda pair: pair[0])[1] if found else None\n",
        "    return min(reversed(found), key=lambda pair: (pair[0].tier, pair[0].loss))[1] if found else None\n",
    ),
    Mutant(
        "a request is not removed when it is taken",
        "study/execution/retention/housekeeping.py",
        "                    requests.discard([request])\n",
        "",
    ),
    Mutant(
        "a stop in a reproducible study doesn't wait for the trials before",
        "study/controller/stop_decisions.py",
        "            if epoch > limit and not is_last:\n                return\n",
        "",
    ),
    Mutant(
        "proposals of a reproducible study go by the order in which points end",
        "study/controller/sampler_feed.py",
        "        return self._population.reproducible and not ignores_results\n",
        "        return False\n",
    ),
    Mutant(
        "rows after a late stop are not cut off",
        "study/journal/history.py",
        "        del trial.rows[event.epoch :]\n",
        "",
    ),
    Mutant(
        "weights of a point that may become the best are removed",
        "study/execution/retention/checkpoint_retention.py",
        "(point.number in self._kept or may_become_best)",
        "point.number in self._kept",
    ),
    Mutant(
        "attempts that are lost with Ray stay in flight",
        "study/execution/on_ray/tune_bridge.py",
        '            failure = Failure("node", f"lost with its Ray: {reason}", {"node_alive": False})\n            self._controller.failed(assignment.trial, assignment.attempt, failure)\n',
        '            failure = Failure("node", f"lost with its Ray: {reason}", {"node_alive": False})\n',
    ),
]
"""No two have the same words."""
