"""What ``study serve`` was told."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from study.errors import UserError
from study.files.storage import StoragePath

_BASE_PATH = re.compile(r"(/[A-Za-z0-9._~-]+)*")


@dataclass(frozen=True)
class PageSettings:
    """Which storages are served, and to whom; UserError where that can't be."""

    storages: Mapping[str, StoragePath]
    """By their labels."""
    host: str = "127.0.0.1"
    port: int = 8080
    """0: one that is free."""
    allow_hosts: tuple[str, ...] = ()
    """Further names that a request may ask for."""
    base_path: str = ""
    """What stands before every path: ``/x``; empty where nothing does."""
    share: bool = False
    """Whether there is a second token, which only reads."""
    address: str | None = None
    """The dashboard of the cluster on which studies are driven; None for none."""
    drive: bool = False
    """Whether studies are driven by processes of this machine."""
    tls_cert: str | None = None
    tls_key: str | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65_535:
            raise UserError(f"--port must be from 0 to 65535; found {self.port}")
        if not _BASE_PATH.fullmatch(self.base_path) or ".." in self.base_path:
            raise UserError(
                "--base-path must be made of parts like /studies, without an end slash; found"
                f" {self.base_path!r:.80}"
            )
        if self.address is not None and self.drive:
            raise UserError("studies are driven on the cluster or here: --address or --drive")
        if self.address is not None and not self.address.startswith(("http://", "https://")):
            raise UserError(
                "--address: must be a cluster's dashboard, as http://HEAD:8265; found"
                f" {self.address!r:.100}"
            )
        if bool(self.tls_cert) != bool(self.tls_key):
            raise UserError("TLS takes both: --tls-cert FILE --tls-key FILE")
        for option, file in (("--tls-cert", self.tls_cert), ("--tls-key", self.tls_key)):
            if file and not Path(file).is_file():
                raise UserError(f"{option} must be a file; there is none at {file}")

    @property
    def scheme(self) -> str:
        return "https" if self.tls_cert else "http"
