"""What a command says once its study has ended: what came of it and what to type next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

import typer

from study.cli.answers import answer, is_collecting
from study.cli.options import echo, print_table, results_of, short_path
from study.errors import Interrupted
from study.inspection.status import status_of

if TYPE_CHECKING:
    from study.execution.run import RunResult
    from study.journal.history import History
    from study.journal.trials import Trial


def print_result(result: RunResult, again: Sequence[str]) -> None:
    """Say what came out of a run, and end the command with the run's exit code.

    ``again`` are the options that whoever goes on with the study has to repeat.
    """
    if is_collecting():
        answer(**status_of(result.paths), reason=result.reason, next=_next_commands(result, again))
    with suppress(BrokenPipeError):  # a reader that has gone changes nothing in what came out
        if result.exit_code == Interrupted.exit_code:
            _print_interruption(result, again)
        else:
            _print_outcome(result, again)
    raise typer.Exit(result.exit_code)


def _next_commands(result: RunResult, again: Sequence[str]) -> list[str]:
    if result.exit_code == Interrupted.exit_code:
        return [result.paths.command("resume", *again)]
    return _next_steps(result, again)


def print_cut_short(result: RunResult) -> None:
    """Say that a study has ended whose outcome was not shown to its end."""
    if result.exit_code != Interrupted.exit_code:
        name = result.paths.name
        echo(f"study {name} is {_end_text(result)}: {result.paths.command('table')}", err=True)
    raise typer.Exit(result.exit_code)


def _print_outcome(result: RunResult, again: Sequence[str]) -> None:
    """Say what came out of a run, where it lies and what to type next."""
    from analysis.tables.points.leaderboard import leaderboard_table
    from study.inspection.gpu_packing import packing_hint

    name, folder = result.paths.name, short_path(result.paths.folder)
    if result.exit_code != 1:
        leaderboard = leaderboard_table(results_of(name, storage=result.paths.storage), 10)
        print_table(leaderboard, "table")
    states = Counter(
        "dropped" if point.is_dropped else point.state for point in result.history.points
    )
    counts = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
    echo(f"study {name} is {_end_text(result)}: {counts}")
    if result.exit_code == 1:
        echo(f"no point has a usable result{_last_failure_text(result.history)}", err=True)
    echo(f"results: {folder}/results: points.parquet, trials.parquet, epochs/")
    echo(f"  import study\n  results = study.load({str(folder)!r})")
    hint = packing_hint(result.history, result.gpus)
    if hint:
        echo(hint)
    echo("next:  " + "\n       ".join(_next_steps(result, again)))


def _end_text(result: RunResult) -> str:
    return "complete" if result.reason == "complete" else f"over ({result.reason})"


def _print_interruption(result: RunResult, again: Sequence[str]) -> None:
    why = "interrupted"
    if result.reason != "interrupted":
        why = f"its budget of {_budget_text(result)} is spent"
    echo(f"{why}; nothing is lost. Go on with: {result.paths.command('resume', *again)}")


def _budget_text(result: RunResult) -> str:
    """Say which budget was spent, and of money how much there was and what came of it."""
    from study.spec.parts.tariff import money_text

    if result.reason != "spend":
        return result.reason
    status = status_of(result.paths)
    currency = status["currency"] or ""
    budget = money_text(status["spend"], currency)
    return f"{budget} ({money_text(status['money'], currency)} so far)"


# -- what to type next -----------------------------------------------------------------


def _next_steps(result: RunResult, again: Sequence[str]) -> list[str]:
    """Return commands that would show or do something more after a study."""
    from study.spec.load import load_spec

    paths, spec = result.paths, load_spec(result.paths.spec)
    steps = _steps_after_failures(result, again)
    if result.exit_code == 1 and steps:
        return steps
    steps.append(paths.command("report"))
    if result.exit_code == 1:
        steps += _steps_after_pruning(result)
    elif any(entry.published for entry in spec.first):
        steps.append(paths.command("table", "--kind", "published"))
    if spec.confirm and result.exit_code == 0:
        steps.append(paths.command("table", "--kind", "confirmation"))
    if spec.sampler.name not in ("first-only", "grid"):
        points = _more_points(len(result.history.points), len(spec.levels()))
        if result.exit_code == 0:
            has_levels = any(not hasattr(item.distribution, "low") for item in spec.space.variables)
            kind = "effects" if has_levels else "importance"
            steps.append(paths.command("table", "--kind", kind))
        steps.append(paths.command("resume", "--points", points, *again))
    return steps


def _steps_after_failures(result: RunResult, again: Sequence[str]) -> list[str]:
    """Return what tells of failures and tries them again; nothing where none ended a trial."""
    last = _last_failed(result.history)
    if last is None:
        return []
    paths = result.paths
    return [
        paths.command("table", "--kind", "failures"),
        paths.command("logs", "--trial", last.number),
        paths.command("retry", "--failed", *again),
    ]


def _steps_after_pruning(result: RunResult) -> list[str]:
    """Return what tells why the last trial was stopped that was."""
    pruned = [trial for trial in result.history.trials if trial.state == "PRUNED"]
    return [result.paths.command("explain", "--trial", trial.number) for trial in pruned[-1:]]


def _last_failure_text(history: History) -> str:
    """Say of what the last failed trial failed; empty where none did."""
    last = _last_failed(history)
    failure = last.attempts[-1].failure if last and last.attempts else None
    if last is None or failure is None:
        return ""
    message = (failure.message.splitlines() or [""])[0]
    place = f" ({failure.details['place']})" if "place" in failure.details else ""
    return f"; trial {last.number} failed, {failure.failure_class}: {message}{place}"


def _last_failed(history: History) -> Trial | None:
    failed = [
        trial
        for trial in history.trials
        if trial.state == "FAIL" and not history.points[trial.point].is_dropped
    ]
    return failed[-1] if failed else None


def _more_points(points: int, levels: int) -> int:
    """Propose half as many points again, rounded up to equally many for each level."""
    more = points + max(10, points) // 2
    return more + -more % levels
