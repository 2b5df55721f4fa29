"""What a study file has to pass before a cluster is asked, and how it is asked for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from study.cluster.job_request import JobRequest
from study.errors import UserError
from study.execution.own_code.look import look_at_code
from study.execution.provenance import version
from study.execution.user.prices import with_user_prices
from study.files.storage import StorageLike
from study.files.storage_uri import storage_path
from study.inspection.requirements import lacking_resources
from study.spec.checks.repeat_checks import repeat_faults
from study.spec.load import refuse
from study.spec.spec import StudySpec


def check_submitted(
    file: StorageLike, spec: StudySpec, *, imports: bool = True, **written: Any
) -> list[str]:
    """Return what is to be known of a study that shall run elsewhere; SpecError with its faults.

    ``written`` is what was laid over the file: ``sets``, ``name`` and ``points``.
    """
    look = look_at_code(spec, imports=imports, elsewhere=True)
    refuse(file, [*repeat_faults(spec), *look.faults], **written)
    return [*spec.notes, *look.notes, *lacking_resources(spec, spec.concurrency or 1)]


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
