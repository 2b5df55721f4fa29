"""``python -m study.cli`` is the ``study`` command."""

from study.cli import main

main()
