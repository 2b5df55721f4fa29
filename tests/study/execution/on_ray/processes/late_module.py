"""A module that nobody gets out of."""

import time

time.sleep(3600)
