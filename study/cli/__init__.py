"""The ``study`` command, a file for each kind of command: run, submit, inspect, modify, export."""

from study.cli.main import main

__all__ = ["main"]
