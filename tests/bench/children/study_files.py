"""The processor milliseconds that reading a study file takes, of a process that has read it before:
``study_files.py NAME``.
"""

import sys
import time

from study.spec import load

spent = []
for _ in range(20):
    getattr(load, "_READ_BEFORE", {}).clear()
    began = time.process_time()
    load.load_spec(sys.argv[1])
    spent.append(time.process_time() - began)
print(1000 * min(spent))
