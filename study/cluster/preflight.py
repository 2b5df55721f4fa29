"""Whether a cluster can carry a study, asked of each of its nodes before anything is started."""

from __future__ import annotations

import socket
import uuid
from typing import Any

from study.cluster.job_request import Order, spec_of
from study.errors import StudyLocked, UserError
from study.execution.provenance import version
from study.execution.ray_runtime import node_resources
from study.execution.resources import check_fits
from study.files.layout import StudyPaths
from study.files.lock import lock_holder
from study.files.storage_uri import storage_path
from study.lifecycle import check_same, existing, is_there
from study.spec.load import load_spec

_ANSWER_S = 60.0


def check_cluster(order: Order) -> None:
    """UserError with what stands against an order: a node's version, the storage, the name, the
    room.
    """
    answers = _ask_nodes(order)
    for node, answer in answers.items():
        _check_version(order, node, answer["version"])
    _check_storage(order, answers)
    paths = StudyPaths(storage_path(order.storage), order.name)
    check_free(order, paths)
    if order.study:
        spec = spec_of(order)
        if is_there(paths):
            check_same(spec, paths)
    else:
        spec = load_spec(existing(order.name, order.storage).spec)
    if not order.session.get("wait_for_nodes"):
        check_fits(spec, node_resources(), "this cluster")


def check_free(order: Order, paths: StudyPaths) -> None:
    """StudyLocked where the study has a driver, unless one is asked to take it over, which an
    object store lets it.
    """
    driver = lock_holder(paths.lock) if is_there(paths) else ""
    if driver and (order.study or paths.lock.has_locks):
        raise StudyLocked(order.name, driver)


def _ask_nodes(order: Order) -> dict[str, dict[str, Any]]:
    """What each node answers, by the name it is known by; a node that can't is told as one without
    ray-study.
    """
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    probe = uuid.uuid4().hex[:8]
    asked = {}
    for node in ray.nodes():
        if node["Alive"]:
            there = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
            task = ray.remote(_answer_of).options(
                num_cpus=0, scheduling_strategy=there, max_retries=1
            )
            asked[f"{node['NodeName']} ({node['NodeID'][:8]})"] = task.remote(
                order.storage, f".probe-{probe}-{node['NodeID'][:8]}"
            )
    answers: dict[str, dict[str, Any]] = {}
    for node, reference in asked.items():
        try:
            answers[node] = ray.get(reference, timeout=_ANSWER_S)
        except ray.exceptions.GetTimeoutError:
            raise UserError(f"node {node} has not answered for {_ANSWER_S:.0f} s") from None
        except (ray.exceptions.RayError, ImportError):
            answers[node] = {"version": "", "probe": "", "trouble": ""}
    return answers


def _answer_of(storage: str, probe: str) -> dict[str, Any]:
    """A node's answer: its version of this package, and the file that it left in the storage."""
    answer = {
        "version": version("ray-study"),
        "host": socket.gethostname(),
        "probe": probe,
        "trouble": "",
    }
    try:
        root = storage_path(storage)
        root.make_folder()
        (root / probe).write_whole(socket.gethostname())
    except OSError as error:
        answer["trouble"] = f"{error.strerror or error}"
    return answer


def _check_version(order: Order, node: str, found: str) -> None:
    if order.version and found != order.version:
        has = f"ray-study {found}" if found else "no ray-study"
        raise UserError(
            f"node {node} has {has}, and this is {order.version}: pip install"
            f" ray-study=={order.version} there, or submit with --ship-code"
        )


def _check_storage(order: Order, answers: dict[str, dict[str, Any]]) -> None:
    """UserError where a node can't write, or writes where nobody else sees it; the probes are
    removed.
    """
    root = storage_path(order.storage)
    try:
        for node, answer in answers.items():
            if answer["trouble"]:
                raise UserError(f"node {node} can't write to {order.storage}: {answer['trouble']}")
            if not (root / answer["probe"]).exists():
                raise UserError(
                    f"what node {node} writes to {order.storage} is not seen from the head: the"
                    " storage must be one that all nodes share, as a network folder or"
                    " s3://BUCKET/PREFIX"
                )
    finally:
        for answer in answers.values():
            if answer["probe"]:
                (root / answer["probe"]).unlink(missing_ok=True)
