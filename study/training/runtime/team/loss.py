"""By what the loss of the other workers is told from a worker's own failure.

It is without torch, which a driver does without.
"""

from __future__ import annotations

LOST_OTHERS = "lost_others"
"""Among a failure's details: what failed is the connection with the other workers, so that one of
them knows why.
"""
