"""Wall and driver's processor milliseconds for a trial that does nothing, as JSON: ``nothing.py
TRIALS``, in a folder to work in.
"""

import json
import sys
from pathlib import Path

from tests.bench.test_between_trials import run_study

if __name__ == "__main__":
    trials = int(sys.argv[1])
    sys.path.insert(0, str(Path.cwd()))
    history, meter = run_study(Path.cwd(), "nothing", trials)
    assert [point.state for point in history.points] == ["COMPLETE"] * trials
    print(json.dumps(meter.per_trial_ms(0, trials)))
