"""Commands beside a run: preview, init, schema, export, tensorboard, dashboard."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from study.cli.answers import answer, is_collecting, print_json, print_now
from study.cli.options import (
    STUDIES,
    DataDirOption,
    FileArgument,
    FollowOption,
    NameArgument,
    NewNameOption,
    NoImportOption,
    PointsOption,
    SetsOption,
    StorageOption,
    TrustOption,
    app,
    check_format,
    echo,
    results_of,
    short_path,
    with_trust,
)


@app.command()
def preview(
    file: FileArgument,
    name: NewNameOption = None,
    sets: SetsOption = None,
    points: PointsOption = None,
    samples: Annotated[
        int, typer.Option("--samples", min=0, help="How many sampled points to show.")
    ] = 10,
    measure: Annotated[
        bool, typer.Option("--measure", help="Train a few steps of each shape.")
    ] = False,
    check_data: Annotated[
        bool,
        typer.Option("--check-data", help="Load the images, build each model, train one batch."),
    ] = False,
    data_dir: DataDirOption = None,
    storage: StorageOption = STUDIES,
    no_import: NoImportOption = False,
    trust: TrustOption = False,
    form: Annotated[str, typer.Option("--format", help="table or json.")] = "table",
) -> None:
    """Show what a study file would do: its space, its first points, totals, and whether it fits."""
    from study.execution.own_code.look import look_at_code
    from study.execution.user.prices import price_faults
    from study.execution.user.trust import check_file_trusted, lies_in_a_study
    from study.files.storage_uri import storage_path
    from study.inspection.own_code import check_own_code
    from study.inspection.preview import preview_of
    from study.spec.checks.repeat_checks import repeat_faults
    from study.spec.load import load_spec, refuse

    check_format(form, ("table", "json"))
    spec = load_spec(file, sets=sets or (), name=name, points=points)
    if measure or check_data:  # a file in a study's folder may be a stranger's
        with_trust(lambda trusted: check_file_trusted(file, spec, trusted), trust)
    may_import = not no_import and (trust or not lies_in_a_study(file))
    look = look_at_code(spec, imports=may_import)
    faults = [*repeat_faults(spec), *look.faults, *price_faults(spec, storage)]
    refuse(file, faults, sets=sets or (), name=name, points=points)
    if spec.warm_start:
        from study.controller.warm_start import warm_starts

        warm_starts(spec, storage_path(storage))  # raises where an earlier study can't be found
    for note in look.notes:
        echo(f"note: {note}", err=True)
    checked: list[str] = []
    if check_data or may_import:
        checked = check_own_code(file, spec, sets or (), check_data=check_data, data_dir=data_dir)
    seen = preview_of(spec, samples, measure=measure, data_dir=data_dir, storage=storage)
    if form == "json":
        print_json(seen.tree())
    else:
        echo("\n".join([*seen.lines(), *checked]))


@app.command()
def init(
    file: Annotated[str, typer.Argument(metavar="FILE", help="Where to write it.")] = "study.yaml",
) -> None:
    """Write a commented study file to start from."""
    from study.errors import UserError
    from study.files.layout import check_study_name
    from study.spec.load import starting_file

    path = Path(file)
    if path.exists():
        raise UserError(f"{file} is there already; choose another name")
    path.write_text(
        starting_file() if path.stem == "study" else starting_file(check_study_name(path.stem))
    )
    answer(file=file)
    echo(f"wrote {file}; next: study preview {file}")


@app.command()
def schema(
    file: Annotated[
        str | None,
        typer.Argument(metavar="[FILE]", help="A study file with an own training, typed."),
    ] = None,
) -> None:
    """Print the JSON Schema of study files, with which an editor completes and checks them; with a
    file, that of its own training's config among it.
    """
    from study.execution.own_code.look import look_at_code
    from study.execution.user.trust import lies_in_a_study
    from study.spec.json_schema import json_schema
    from study.spec.load import load_spec

    config = None
    if file is not None and not lies_in_a_study(file):
        config = look_at_code(load_spec(file)).schema
    schema = json_schema(config)
    answer(**schema)
    if not is_collecting():
        echo(json.dumps(schema, indent=2))


@app.command()
def export(
    name: NameArgument,
    to: Annotated[str, typer.Option("--to", help="The folder to write to.")],
    trial: Annotated[str, typer.Option("--trial", help="A trial's number, or best.")] = "best",
    onnx: Annotated[bool, typer.Option("--onnx", help="ONNX as well (the extra `onnx`).")] = False,
    storage: StorageOption = STUDIES,
    trust: TrustOption = False,
) -> None:
    """Take a trial home: weights, model.py, and load.py, which says what a picture shows without
    this project; its recipe for `study train`, its figures.
    """
    from study.files.layout import existing
    from study.inspection.export_trial import ExportedTrial, export_trial

    paths = existing(name, storage)

    def export_it(trusted: bool) -> ExportedTrial:
        return export_trial(paths, trial, Path(to), onnx=onnx, trusted=trusted)

    done = with_trust(export_it, trust)
    folder = short_path(done.folder.resolve())
    answer(folder=str(done.folder), trial=done.trial.number, point=done.trial.point)
    echo(f"wrote trial {done.trial.number} (point {done.trial.point}) to {folder}")
    for line in done.notes(str(folder)):
        echo(line)


@app.command()
def tensorboard(
    name: NameArgument,
    to: Annotated[str, typer.Option("--to", help="The folder to write to.")],
    storage: StorageOption = STUDIES,
) -> None:
    """Write a study's epochs as TensorBoard event files; look with: tensorboard --logdir DIR."""
    from analysis.tensorboard import write_events

    folder = write_events(results_of(name, storage=storage), to)
    answer(study=name, folder=str(folder))
    echo(f"wrote {folder}")


@app.command()
def mirror(
    name: NameArgument,
    to: Annotated[
        str,
        typer.Option(
            "--to",
            help="mlflow://HOST:PORT, mlflow:URI, wandb, wandb:[ENTITY/]PROJECT, tensorboard or"
            " tensorboard:FOLDER.",
        ),
    ],
    follow: FollowOption = False,
    storage: StorageOption = STUDIES,
) -> None:
    """Show a study where your other experiments are, from its journal alone; run again, it goes on
    where it stopped.
    """
    from study.files.layout import existing
    from study.inspection.export.mirrors.mirror import Mirror
    from study.inspection.export.mirrors.targets import target_of

    paths = existing(name, storage)
    with target_of(to, name) as target:
        mirrored = Mirror(paths, target)
        where = mirrored.follow(echo) if follow else mirrored.bring_up_to_date()
    answer(study=name, to=where)
    echo(f"mirrored {name} to {where}")


@app.command()
def dashboard(
    name: NameArgument,
    storage: StorageOption = STUDIES,
    host: Annotated[str, typer.Option("--host")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=1, max=65535)] = 8080,
) -> None:
    """Open optuna-dashboard on a copy of the study (the extra `dashboard`)."""
    from study.errors import UserError
    from study.files.layout import existing
    from study.inspection.export.optuna import to_optuna

    paths = existing(name, storage)
    try:
        import optuna
        from optuna_dashboard import wsgi
    except ImportError:
        raise UserError(
            "optuna-dashboard is not installed: pip install 'ray-study[dashboard]'"
        ) from None
    copy = optuna.storages.InMemoryStorage()
    to_optuna(paths, copy)
    _serve(wsgi(copy), host, port)


def _serve(application: Any, host: str, port: int) -> None:
    """Serve a WSGI application until Ctrl-C. Raises UserError where the port is taken."""
    import signal
    from contextlib import suppress
    from threading import Thread
    from wsgiref.simple_server import make_server

    from study.cluster.access import is_loopback
    from study.errors import UserError

    try:
        server = make_server(host, port, application)
    except OSError as error:
        taken = f"{host}:{port} can't be listened on: {error.strerror}"
        raise UserError(f"{taken}; choose with --host and --port") from error
    signal.signal(signal.SIGINT, signal.default_int_handler)  # which a shell's `&` takes away
    if is_collecting():
        print_now(address=f"http://{host}:{port}/")
    else:
        echo(f"http://{host}:{port}/ (Ctrl-C ends it)")
    if not is_loopback(host):
        echo(
            f"whoever reaches {host}:{port} may look at this copy of the study, without a password,"
            " and change it",
            err=True,
        )
    # in a thread of its own: a Ctrl-C within a request would be taken for that request's error
    serving = Thread(target=server.serve_forever, daemon=True)
    serving.start()
    with suppress(KeyboardInterrupt):
        serving.join()
