"""The command that serves the page: serve."""

from __future__ import annotations

from typing import Annotated

import typer

from study.cli.answers import is_collecting, print_now
from study.cli.options import STUDIES, app, echo


@app.command()
def serve(
    storages: Annotated[
        list[str] | None,
        typer.Option(
            "--storage",
            metavar="[LABEL=]URI",
            help="What holds studies: a folder, or s3://BUCKET/PREFIX (gs, az); repeatable."
            " ./studies by default.",
        ),
    ] = None,
    address: Annotated[
        str | None,
        typer.Option(
            "--address",
            metavar="http://HEAD:8265",
            help="The dashboard of the Ray cluster on which studies are driven that are started"
            " from the page.",
        ),
    ] = None,
    drive: Annotated[
        bool,
        typer.Option("--drive", help="Drive studies that are started from the page here."),
    ] = False,
    host: Annotated[str, typer.Option("--host", help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", help="The port; 0 takes a free one.")] = 8080,
    allow_hosts: Annotated[
        list[str] | None,
        typer.Option(
            "--allow-host", metavar="NAME", help="Another name it is asked for by (repeatable)."
        ),
    ] = None,
    base_path: Annotated[
        str, typer.Option("--base-path", metavar="/x", help="What stands before every path.")
    ] = "",
    share: Annotated[
        bool, typer.Option("--share", help="Print a second address, which only shows.")
    ] = False,
    tls_cert: Annotated[
        str | None, typer.Option("--tls-cert", metavar="FILE", help="The TLS certificate.")
    ] = None,
    tls_key: Annotated[
        str | None, typer.Option("--tls-key", metavar="FILE", help="Its private key.")
    ] = None,
    open_browser: Annotated[
        bool, typer.Option("--open", help="Open the page in this machine's browser.")
    ] = False,
) -> None:
    """Serve a page over all studies, live, for browsers; what it prints first is its address."""
    import webbrowser

    from study.page.access.tokens import load_tokens
    from study.page.readings.storages import labeled_storages
    from study.page.server import serve as serve_page
    from study.page.settings import PageSettings

    settings = PageSettings(
        storages=labeled_storages(storages or [STUDIES]),
        address=address,
        drive=drive,
        host=host,
        port=port,
        allow_hosts=tuple(allow_hosts or ()),
        base_path=base_path,
        share=share,
        tls_cert=tls_cert,
        tls_key=tls_key,
    )

    def opened(address: str) -> None:
        if open_browser:
            webbrowser.open(address)

    def note(line: str) -> None:
        echo(line, err=True)

    def say(line: str) -> None:
        if is_collecting():
            print_now(line=line)
        else:
            echo(line)

    serve_page(settings, load_tokens(share), say, note, opened)
