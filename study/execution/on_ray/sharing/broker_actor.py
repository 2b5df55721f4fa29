"""The broker as an actor of the cluster, and a driver's connection with it."""

from __future__ import annotations

import threading
import time
from typing import Any

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from study.execution.on_ray.ray_internals import draining_nodes, head_node, request_room
from study.execution.on_ray.ray_runtime import node_resources_by_id
from study.execution.on_ray.sharing.broker import Broker, Room
from study.execution.on_ray.sharing.division import Nodes

NAME = "broker"
NAMESPACE = "ray-study"
_PATIENCE_S = 10.0
"""A broker that doesn't answer for so long is looked for anew."""
_FAREWELL_S = 2.0
_LOOK_EVERY_S = 5.0
"""How often a broker looks whether drivers are gone, which nobody else would tell it."""


class BrokerActor:
    """One for each cluster: it lives as long as studies come to it."""

    def __init__(self) -> None:
        self._broker = Broker(_staying_nodes, request_room=_ask_autoscaler)
        self._lock = threading.Lock()
        threading.Thread(target=self._keep_looking, name="look", daemon=True).start()

    def meet(self, text: str) -> str:
        """Take what a driver says; return its part."""
        with self._lock:
            answer = self._broker.meet(text)
        if self._broker.is_idle:
            ray.actor.exit_actor()
        return answer

    def _keep_looking(self) -> None:
        while True:
            time.sleep(_LOOK_EVERY_S)
            with self._lock:
                self._broker.look()


def _staying_nodes() -> Nodes:
    """Return what each node has that wasn't told to go, by the node's id."""
    leaving = draining_nodes()
    return {node: has for node, has in node_resources_by_id().items() if node not in leaving}


def _ask_autoscaler(room: Room) -> bool:
    """Say for what the cluster shall have room, and return whether that was heard."""
    try:
        request_room(room)
    except ray.exceptions.RayError:
        return False
    return True


class BrokerConnection:
    """Asks the cluster's broker without waiting for it, and makes one where there is none."""

    def __init__(self) -> None:
        self.is_new = False
        """Whether there was no broker before, and so nobody to share the cluster with."""
        self._actor: Any = None
        self._answer: Any = None
        self._asked_at = 0.0

    def ask(self, text: str) -> None:
        """Send what this driver says, in the place of what was not answered yet."""
        try:
            self._actor = self._actor or self._found()
            self._answer = self._actor.meet.remote(text)
            self._asked_at = time.monotonic()
        except (ray.exceptions.RayError, RuntimeError, ValueError):
            self._forget()  # its node may be going just now

    @property
    def is_waiting(self) -> bool:
        """Whether an answer may still come."""
        return self._answer is not None

    def answer(self) -> str | None:
        """Return the answer once it is there."""
        if self._answer is None:
            return None
        ready, _ = ray.wait([self._answer], timeout=0)
        if not ready:
            if time.monotonic() - self._asked_at > _PATIENCE_S:
                self._forget()
            return None
        try:
            answer: str = ray.get(self._answer)
        except ray.exceptions.RayError:
            self._forget()
            return None
        self._answer = None
        return answer

    def leave(self, text: str) -> None:
        """Send a last word, and wait a moment for that to arrive."""
        if self._actor is None:
            return
        self.ask(text)
        if self._answer is not None:
            ray.wait([self._answer], timeout=_FAREWELL_S)
        self._forget()

    def _found(self) -> Any:
        """Return the cluster's broker, a new one where there is none."""
        try:
            return ray.get_actor(NAME, namespace=NAMESPACE)
        except ValueError:
            self.is_new = True
            return _new_broker()

    def _forget(self) -> None:
        self._actor = None
        self._answer = None


def _new_broker() -> Any:
    """Make the cluster's broker, unless another driver has just done so.

    It is on the head where it can be: a node that comes and goes would have to stay for it.
    """
    head = head_node()
    options = {
        "name": NAME,
        "namespace": NAMESPACE,
        "lifetime": "detached",
        "get_if_exists": True,
        "num_cpus": 0,
        "scheduling_strategy": NodeAffinitySchedulingStrategy(head, soft=True) if head else None,
    }
    return ray.remote(BrokerActor).options(**options).remote()
