"""A Ray of the study's own on this machine: on loopback, without a dashboard, silent, gone with the driver."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PREFIX = "study-ray-"
OBJECT_STORE_BYTES = 256 * 2**20
ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_DISABLE_IMPORT_WARNING": "1",
    "RAY_ENABLE_METRICS_COLLECTION": "0",
    "RAY_enable_metrics_collection": "0",
    "PYTHONWARNINGS": "ignore",
    "TORCHINDUCTOR_COMPILE_THREADS": "1",
}


@contextmanager
def embedded_ray(module_path: list[str]) -> Iterator[None]:
    """Start a Ray that no one else is on, and stop it at the end; other Rays on the machine are left alone."""
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    sweep()
    import ray

    logging.getLogger("ray").setLevel(logging.CRITICAL)
    folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-"))
    try:
        ray.init(
            address="local",
            include_dashboard=False,
            log_to_driver=False,
            logging_level=logging.CRITICAL,
            object_store_memory=OBJECT_STORE_BYTES,
            _node_ip_address="127.0.0.1",
            _temp_dir=str(folder),
            runtime_env={"env_vars": {"PYTHONPATH": os.pathsep.join(module_path)}} if module_path else None,
        )
        yield
    finally:
        ray.shutdown()
        shutil.rmtree(folder, ignore_errors=True)


def sweep() -> None:
    """Remove the temporary folders of drivers that were killed."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        owner = folder.name.removeprefix(PREFIX).split("-")[0]
        if owner.isdecimal() and not Path(f"/proc/{owner}").exists() and Path("/proc/self").exists():
            shutil.rmtree(folder, ignore_errors=True)
