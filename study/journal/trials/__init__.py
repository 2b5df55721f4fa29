"""Points, their trials, the attempts at each, and the rows of their epochs."""

from study.journal.trials.epoch_rows import EpochRows
from study.journal.trials.trials import ENDED_STATES, STATES, Attempt, Point, State, Trial

__all__ = ["ENDED_STATES", "STATES", "Attempt", "EpochRows", "Point", "State", "Trial"]
