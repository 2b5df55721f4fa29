"""Whether a cluster can carry a study, asked of each of its nodes before anything is started."""

from __future__ import annotations

import socket
import uuid
from dataclasses import dataclass
from typing import Any

from study.cluster.job_request import JobRequest
from study.errors import StudyLocked, UserError
from study.execution.on_ray.ray_runtime import node_resources
from study.execution.provenance import version
from study.execution.resources import check_fits
from study.execution.user.prices import price_faults
from study.files.layout import StudyPaths, existing, is_there
from study.files.lock import lock_holder
from study.files.storage_uri import storage_path
from study.journal.spec_versions import check_same, stored_spec_file
from study.spec.load import load_spec

_ANSWER_TIMEOUT_S = 60.0


@dataclass(frozen=True)
class _NodeAnswer:
    """What one node says of itself and of the storage."""

    version: str = ""
    """The version of this package; empty where it isn't installed."""
    probe: str = ""
    """The file that it was to leave in the storage."""
    trouble: str = ""
    """Why it could not leave it."""


def check_cluster(request: JobRequest) -> None:
    """Raise UserError with the reason why a request can't be carried out.

    That may be a node's version, the storage, the study's name or driver, or too little room.
    """
    answers = _ask_nodes(request)
    for node, answer in answers.items():
        _check_version(request, node, answer.version)
    _check_storage(request, answers)
    storage_path(request.storage).check_write_new()
    paths = StudyPaths(storage_path(request.storage), request.name)
    paths.check_plain()
    check_free(request, paths)
    if request.study_file:
        spec = request.spec()
        if is_there(paths):
            check_same(spec, paths)
    else:
        spec = load_spec(stored_spec_file(existing(request.name, request.storage)))
    for fault in price_faults(spec, request.storage):
        raise UserError(str(fault))
    if not request.options.get("wait_for_nodes"):
        check_fits(spec, node_resources(), "this cluster")


def check_free(request: JobRequest, paths: StudyPaths) -> None:
    """Raise StudyLocked where the study has a driver.

    A job that goes on with a study may take it over, where the storage has no locks.
    """
    driver = lock_holder(paths.lock) if is_there(paths) else ""
    if driver and (request.study_file or paths.lock.has_locks):
        raise StudyLocked(request.name, driver)


def _ask_nodes(request: JobRequest) -> dict[str, _NodeAnswer]:
    """Ask each node for an answer, by the name it is known by.

    A node that can't answer is taken for one without ray-study.
    """
    import ray

    check = uuid.uuid4().hex[:8]
    asked = {}
    for node in ray.nodes():
        if node["Alive"]:
            short_id = node["NodeID"][:8]
            asked[f"{node['NodeName']} ({short_id})"] = _task_on(node["NodeID"]).remote(
                request.storage, f".probe-{check}-{short_id}"
            )
    return {name: _answer_of(name, task) for name, task in asked.items()}


def _task_on(node_id: str) -> Any:
    """Make the task that answers, for one node."""
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    there = NodeAffinitySchedulingStrategy(node_id, soft=False)
    return ray.remote(_look_around).options(num_cpus=0, scheduling_strategy=there, max_retries=1)


def _answer_of(node: str, task: Any) -> _NodeAnswer:
    """Wait for a node's answer."""
    import ray

    try:
        answer = ray.get(task, timeout=_ANSWER_TIMEOUT_S)
    except ray.exceptions.GetTimeoutError:
        raise UserError(f"node {node} has not answered for {_ANSWER_TIMEOUT_S:.0f} s") from None
    except (ray.exceptions.RayError, ImportError):
        return _NodeAnswer()
    return _NodeAnswer(answer["version"], answer["probe"], answer["trouble"])


def _look_around(storage: str, probe: str) -> dict[str, str]:
    """Answer for this node, and leave a file in the storage.

    The answer is plain data: the node may have another version of this file.
    """
    trouble = ""
    try:
        root = storage_path(storage)
        root.make_folder()
        (root / probe).write_whole(socket.gethostname())
    except OSError as error:
        trouble = f"{error.strerror or error}"
    return {"version": version("ray-study"), "probe": probe, "trouble": trouble}


def _check_version(request: JobRequest, node: str, found: str) -> None:
    if request.version and found != request.version:
        has = f"ray-study {found}" if found else "no ray-study"
        raise UserError(
            f"node {node} has {has}, and this is {request.version}: pip install"
            f" ray-study=={request.version} there, or submit with --ship-code"
        )


def _check_storage(request: JobRequest, answers: dict[str, _NodeAnswer]) -> None:
    """Raise UserError where a node can't write, or writes where the head doesn't see it.

    The files that the nodes have left are removed.
    """
    root = storage_path(request.storage)
    try:
        for node, answer in answers.items():
            if answer.trouble:
                raise UserError(f"node {node} can't write to {request.storage}: {answer.trouble}")
            if not (root / answer.probe).exists():
                raise UserError(
                    f"what node {node} writes to {request.storage} is not seen from the head: the"
                    " storage must be one that all nodes share, as a network folder or"
                    " s3://BUCKET/PREFIX"
                )
    finally:
        for answer in answers.values():
            if answer.probe:
                (root / answer.probe).unlink(missing_ok=True)
