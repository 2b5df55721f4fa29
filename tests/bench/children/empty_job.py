"""The seconds that Ray itself takes for a job whose process connects to it and does nothing:
``empty_job.py DASHBOARD``.

A process of its own, as Ray goes on with the first token that it has read.
"""

import sys
import time

from ray.job_submission import JobStatus, JobSubmissionClient

client = JobSubmissionClient(sys.argv[1])
began = time.time()
job = client.submit_job(entrypoint=f"{sys.executable} -c 'import ray; ray.init()'")
while client.get_job_status(job) not in (JobStatus.SUCCEEDED, JobStatus.FAILED):
    time.sleep(0.05)
assert client.get_job_status(job) == JobStatus.SUCCEEDED
print(time.time() - began)
