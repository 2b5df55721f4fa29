"""Takes a study up from its folder: its journal, its spec, and a controller that knows both."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from study.controller.controller import Controller
from study.controller.warm_start import warm_starts
from study.errors import StateLost
from study.execution import provenance
from study.execution.on_ray.ray_runtime import RayConnection
from study.execution.own_code.costs import own_costs
from study.execution.resources import NodeResources, check_fits, trial_capacity
from study.execution.run import RunOptions
from study.execution.user import trust
from study.execution.user.prices import tariff_to_go_on_with
from study.files.layout import StudyPaths
from study.files.lock import DriverLock
from study.journal.event_codec import Record
from study.journal.events import (
    ConcurrencyResolved,
    PricesSet,
    SessionOpened,
    SpecAdopted,
    StudyCreated,
)
from study.journal.history import FORMAT, History
from study.journal.journal import Journal
from study.journal.log.integrity import check_nothing_lost
from study.journal.replay import add_records
from study.journal.spec_versions import current_spec, open_journal, sha256_hex, write_version
from study.spec.load import load_spec
from study.spec.parts.tariff import Tariff
from study.spec.spec import StudySpec

if TYPE_CHECKING:
    from study.training.recipe.recipe import Recipe


@contextmanager
def open_study(
    paths: StudyPaths,
    options: RunOptions,
    connection: RayConnection,
    lock: DriverLock | None = None,
) -> Iterator[Controller]:
    """Return a controller that has replayed the study's journal, and close the journal afterwards.

    The journal of a new study is begun. A study that was created for a cluster and has not been
    there yet joins it by ``connection``, to learn how many trials run at once. Nothing is recorded
    once ``lock`` isn't held any more.

    Raises Untrusted where the study names code that this user has not trusted, and StateLost where
    checkpoints or tables are ahead of the journal, unless the options accept that; at last, where
    the journal has lost records meanwhile.
    """
    history = History()
    journal = open_journal(paths, history)
    journal.on_wait = options.display.say
    if lock:
        journal.check_may_append = lock.check_held
    if journal.cut:
        options.display.say(str(journal.cut))
    try:
        if not journal.record_count:
            _begin_journal(journal, paths, history)
        spec = current_spec(paths, history, options.display.say)
        _require_trust(spec, paths, options)
        if history.concurrency is None:
            spec = _resolve_on_cluster(connection, spec, journal, history)
        if not options.accept_loss:
            _check_nothing_lost(paths, history, journal)

        workers, reproducible = history.concurrency or 1, bool(history.reproducible)
        del history  # the controller has its own, and a long study's takes its room

        def note_length() -> None:
            controller.history.journal_bytes = journal.size_bytes
            controller.history.record_count = journal.record_count

        def append(*records: Record) -> None:
            journal.append(*records)
            note_length()

        controller = Controller(
            spec,
            append,
            workers=workers,
            nominal_cost=_nominal_cost if spec.train is None else own_costs(spec),
            reproducible=reproducible,
            keep_going=options.keep_going,
        )
        controller.replay(journal.records())
        note_length()
        yield controller
        with suppress(OSError):  # a storage that is away now says nothing of the journal
            journal.check_stored()
    finally:
        journal.close()


def _check_nothing_lost(paths: StudyPaths, history: History, journal: Journal) -> None:
    """Raise StateLost where the folder shows more than the journal; Superseded where that is what
    another driver has recorded since this one read the journal.
    """
    try:
        check_nothing_lost(paths, history, journal.size_bytes)
    except StateLost:
        journal.check_newest()
        raise


def _require_trust(spec: StudySpec, paths: StudyPaths, options: RunOptions) -> None:
    """Raise Untrusted, before any of it is loaded, where the study names code that this user
    doesn't trust; remember what the user does.
    """
    names = trust.names_to_trust(spec)
    if not names:
        return
    trusted = names if options.trust else names & set(options.own_code)
    first_record = trust.beginning_of(paths)
    trust.check_trusted(spec.study, sorted(names - trusted), first_record)
    trust.remember(trusted, first_record)


def start_session(controller: Controller, paths: StudyPaths) -> None:
    """Record that this process drives the study now, then decide what the last driver left open."""
    written = ("study", paths.provenance.name, paths.summary.name)
    paths.folder.remove_partial_writes(*(f"{name}." for name in written))  # by killed drivers
    tariff = tariff_to_go_on_with(controller.spec, controller.history, paths.storage)
    paths.trials.make_folder()  # workers make no more than the folders of their trials
    controller.record(
        SessionOpened(
            session=len(controller.history.sessions) + 1,
            pid=os.getpid(),
            host=socket.gethostname(),
            command=provenance.command(),
            provenance=provenance.of_run(controller.spec),
        )
    )
    if tariff != controller.history.tariff:
        controller.record(_prices_set(tariff, controller.spec))
    provenance.write(controller.history, paths)
    controller.take_up()


def _prices_set(tariff: Tariff | None, spec: StudySpec) -> PricesSet:
    prices = tariff.prices if tariff else {}
    return PricesSet(prices=prices, cpus=spec.resources.cpus, gpus=spec.resources.gpus)


def resolve_concurrency(spec: StudySpec, nodes: Sequence[NodeResources], where: str) -> StudySpec:
    """Return the spec with as many trials at once as these nodes have room for, unless it says.

    Raises UserError where they have no room for a single trial; ``where`` names them.
    """
    check_fits(spec, nodes, where)
    if spec.concurrency:
        return spec
    return replace(spec, concurrency=trial_capacity(spec, nodes))


def _begin_journal(journal: Journal, paths: StudyPaths, history: History) -> None:
    """Write the journal's first records, from the study file that was put into the folder; add
    them to an empty ``history``.
    """
    content = paths.spec.read_bytes()
    spec = load_spec(paths.spec)
    write_version(paths, 1, content.decode())
    created = StudyCreated(
        study=spec.study,
        format=FORMAT,
        reproducible=spec.reproducible,
        concurrency=spec.concurrency,
        seeds="whole",
        start="spread",
    )
    first_version = SpecAdopted(version=1, hash=sha256_hex(content), changes=[])
    events = [created, first_version, *warm_starts(spec, paths.storage)]
    records = [event.stamped().to_record() for event in events]
    journal.append(*records)
    add_records(history, records, paths.journal)


def _resolve_on_cluster(
    connection: RayConnection, spec: StudySpec, journal: Journal, history: History
) -> StudySpec:
    """Record how many trials run at once on the cluster, and return the spec that says so."""
    spec = resolve_concurrency(
        spec, connection.node_resources(), f"the cluster at {connection.address}"
    )
    assert spec.concurrency is not None
    resolved = ConcurrencyResolved(concurrency=spec.concurrency).stamped()
    journal.append(resolved.to_record())
    history.apply(resolved)
    return spec


def _nominal_cost(recipe: Recipe) -> float:
    from study.training.cost import nominal_cost  # with torch, which opening does without

    return nominal_cost(recipe)
