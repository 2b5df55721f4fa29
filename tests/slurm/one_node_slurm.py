"""A Slurm of one node, this machine, made of the system's own daemons."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..study.ray_cluster import free_port

DAEMONS = ("slurmctld", "slurmd")
_PATIENCE_S = 60.0

_CONFIGURATION = """\
ClusterName=study
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
SlurmdPort={node_port}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/none
CredType=cred/none
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
JobAcctGatherType=jobacct_gather/none
SwitchType=switch/none
MpiDefault=none
ReturnToService=2
KillWait=30
MinJobAge=3600
SchedulerParameters=requeue_setup_env_fail,bf_interval=1
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} State=UNKNOWN
PartitionName=debug Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


def lacking_daemons() -> list[str]:
    """The daemons that this machine doesn't have."""
    return [name for name in DAEMONS if _find(name) is None]


def _find(name: str) -> str | None:
    return shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")


@contextmanager
def one_node_slurm(folder: Path) -> Iterator[dict[str, str]]:
    """Run the daemons for the length of the block; gives the environment that leads to them."""
    host = socket.gethostname().partition(".")[0]
    (folder / "state").mkdir()
    (folder / "spool").mkdir()
    configuration = folder / "slurm.conf"
    configuration.write_text(
        _CONFIGURATION.format(
            host=host,
            controller_port=free_port(),
            node_port=free_port(),
            user=pwd.getpwuid(os.getuid()).pw_name,
            folder=folder,
            cpus=os.cpu_count(),
        )
    )
    environment = os.environ | {"SLURM_CONF": str(configuration)}
    daemons = []
    try:
        for name in DAEMONS:
            with (folder / f"{name}.out").open("wb") as output:
                daemon = subprocess.Popen(
                    [_find(name) or name, "-D", "-f", str(configuration)],
                    env=environment,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                )
            daemons.append(daemon)
        _wait_for_node(environment)
        yield environment
    finally:
        for daemon in reversed(daemons):
            daemon.send_signal(signal.SIGTERM)
            daemon.wait(timeout=_PATIENCE_S)


def _wait_for_node(environment: dict[str, str]) -> None:
    """Wait until the node takes jobs."""
    until = time.monotonic() + _PATIENCE_S
    while True:
        words = ["sinfo", "--noheader", "--format=%T"]
        said = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
        if said.stdout.strip() == "idle":
            return
        assert time.monotonic() < until, f"no node: {said.stdout} {said.stderr}"
        time.sleep(0.5)
