"""What a study file has to pass before a cluster is asked, and how it is asked for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from search_spaces.validation import Fault
from study.cluster.job_request import JobRequest
from study.errors import UserError
from study.execution.own_code.look import look_at_code
from study.execution.provenance import version
from study.execution.user.prices import price_faults, with_user_prices
from study.files.storage import StorageLike
from study.files.storage_uri import storage_path
from study.inspection.requirements import lacking_resources
from study.spec.checks.repeat_checks import repeat_faults
from study.spec.load import refuse
from study.spec.spec import StudySpec


def check_submitted(
    file: StorageLike, spec: StudySpec, storage: str, *, imports: bool = True, **written: Any
) -> list[str]:
    """Return what is to be known of a study that shall run elsewhere; SpecError with its faults.

    ``written`` is what was laid over the file: ``sets``, ``name`` and ``points``.
    """
    look = look_at_code(spec, imports=imports, elsewhere=True)
    refuse(file, [*repeat_faults(spec), *look.faults, *_price_faults(spec, storage)], **written)
    return [*spec.notes, *look.notes, *lacking_resources(spec, spec.concurrency or 1)]


def _price_faults(spec: StudySpec, storage: str) -> list[Fault]:
    """What is wrong with the prices, as far as this machine sees the storage, where some may be."""
    folder = storage_path(storage)
    if folder.local_path() is not None and not folder.is_dir():
        return []
    try:
        return list(price_faults(spec, folder))
    except OSError:
        return []


@contextmanager
def refusals_by_line(
    file: StorageLike, spec: StudySpec, storage: str, **written: Any
) -> Iterator[None]:
    """Raise what a cluster refuses of the prices in the file as a SpecError with its line.

    Only the cluster sees all storages, and it doesn't have the file as it was written.
    """
    try:
        yield
    except UserError as refusal:
        known = [each for each in price_faults(spec, storage) if str(each) in str(refusal)]
        refuse(file, known, **written)
        raise


def request_to_run(
    spec: StudySpec,
    storage: str,
    *,
    options: Mapping[str, Any],
    retries: int = 3,
    ship_code: bool = False,
) -> JobRequest:
    """Return what a job is asked that runs a study from its beginning."""
    return JobRequest(
        name=spec.study,
        storage=shared_storage(storage),
        study_file=with_user_prices(spec).yaml(),
        version="" if ship_code else version("ray-study"),
        retries=retries,
        options=options,
    )


def request_to_go_on(name: str, storage: str, **more: Any) -> JobRequest:
    """Return what a job is asked that goes on with a study: ``more`` are JobRequest's fields."""
    return JobRequest(
        name=name, storage=shared_storage(storage), version=version("ray-study"), **more
    )


def shared_storage(storage: str) -> str:
    """Return a storage that means the same on every node. Raises UserError for another one."""
    if "://" not in storage and not storage.startswith("/"):
        raise UserError(
            "--storage: must be an absolute path or a URI that all nodes share; found"
            f" {storage!r:.80}"
        )
    return str(storage_path(storage))
