"""The reference pages of the docs, written from the code: ``python -m tests.docs.reference``.

A test holds the pages that are there against what this would write, so none grows stale.
"""

from __future__ import annotations

import ast
import inspect
import json
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import typer

from study.cli.main import app
from study.journal import events
from study.journal.event_codec import Event
from study.results.schema import listed_columns
from study.spec.json_schema import json_schema

FOLDER = Path(__file__).parents[2] / "docs" / "reference"
_WRITTEN = "<!-- Written from the code by `make docs`: change the code, not this file. -->"
_HIDDEN = ("overrides", "defaults")
"""Keys that a study writes into its own copy of the file, and no user does."""


def pages() -> dict[str, str]:
    """Return each page's text by its file's name."""
    return {
        "study-file.md": _study_file_page(),
        "recipe.md": _recipe_page(),
        "commands.md": _commands_page(),
        "tables.md": _tables_page(),
        "events.md": _events_page(),
    }


def write() -> None:
    """Write all pages."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (FOLDER / name).write_text(text)


def _page(title: str, opening: str, parts: Iterable[str]) -> str:
    return "\n\n".join([f"# {title}", _WRITTEN, opening, *parts]) + "\n"


def _table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    header = list(header)
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(_cell(cell) for cell in line)} |" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


# -- the study file --------------------------------------------------------------------


def _study_file_page() -> str:
    schema = json_schema()
    keys = {name: key for name, key in schema["properties"].items() if name not in _HIDDEN}
    opening = (
        "Every key that a study file may have, what it takes, and what it means where it is left"
        " out. `study schema` prints the same as a JSON Schema for your editor; `study preview"
        " FILE` says what a file comes to. The values of `recipe:` have [a page of their"
        " own](recipe.md), and `space:` mirrors them."
    )
    parts = [_fields(keys, schema["$defs"]), *_sections(keys, schema["$defs"]), _SPACE]
    return _page("The study file", opening, parts)


_SPACE = """## What `space:` may hold

A space has the recipe's keys, and in the place of a value what may be drawn:

| written | drawn |
| --- | --- |
| `{choice: [32, 64, 128]}` | one of these |
| `{uniform: [0, 0.95]}`, with `step: 0.05` if wanted | a number between them, all alike |
| `{log: [1e-4, 1e-1]}` | a number between them, all magnitudes alike |
| `{int: [2, 8]}`, with `step: 2` if wanted | a whole number, the ends included |
| `{log_int: [16, 512]}` | a whole number, all magnitudes alike |
| `one_of: {sgd: {lr: …}, adamw: {lr: …}}` | a branch, by its name, with values of its own |"""


def _recipe_page() -> str:
    schema = json_schema()
    recipe = schema["$defs"]["recipe"]
    opening = (
        "What fixes one training of the built-in classifier: the values of `recipe:`, and the"
        " paths that `space:`, `first:`, `require:` and `--set recipe.…` speak of. A section that"
        " has a name may be written as its name alone (`optimizer: adamw`); nested keys may be"
        " written with dots (`optimizer.lr: 0.1`)."
    )
    parts = [
        _fields(recipe["properties"], schema["$defs"]),
        *_sections(recipe["properties"], schema["$defs"]),
    ]
    return _page("The recipe", opening, parts)


def _sections(keys: Mapping[str, Any], definitions: Mapping[str, Any]) -> Iterator[str]:
    """Give what each key's forms hold, the sections of sections included, each once."""
    given: set[str] = set()
    for path, form in _forms(keys, definitions, ()):
        fields = {name: key for name, key in form["properties"].items() if name != "name"}
        name = form["properties"].get("name", {}).get("const")
        written = f"{{name: {name}}}" if name else ""
        heading = f"## `{'.'.join(path)}`" if not name else f"## `{'.'.join(path)}: {written}`"
        if heading in given:
            continue
        given.add(heading)
        described = form.get("description", "").replace("``", "`")
        table = _fields(fields, definitions) if fields else "It has no options."
        yield "\n\n".join(part for part in (heading, described, table) if part)


def _forms(
    keys: Mapping[str, Any], definitions: Mapping[str, Any], at: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], Mapping[str, Any]]]:
    for name, key in keys.items():
        for reference in _references(key):
            form = definitions[reference]
            if "properties" not in form or reference in ("recipe", "space"):
                continue
            yield (*at, name), form
            yield from _forms(form["properties"], definitions, (*at, name))


def _references(key: Any) -> Iterator[str]:
    """Give the definitions that a key's schema refers to."""
    if isinstance(key, Mapping):
        for word, value in key.items():
            if word == "$ref":
                yield value.rpartition("/")[2]
            else:
                yield from _references(value)
    elif isinstance(key, list):
        for value in key:
            yield from _references(value)


def _fields(keys: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    rows = []
    for name, key in keys.items():
        described = key.get("description", "").replace("``", "`")
        rows.append((f"`{name}`", _taken(key, definitions), _default(key), described))
    return _table(("key", "takes", "default", "what it is"), rows)


def _taken(key: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    """Say in words what a key takes."""
    words = list(dict.fromkeys(_words(key, definitions)))
    mapping = [word for word in words if word == "a mapping"]
    others = [word for word in words if word != "a mapping"]
    return " or ".join(others + mapping)


def _words(key: Mapping[str, Any], definitions: Mapping[str, Any]) -> Iterator[str]:
    for form in key.get("anyOf") or key.get("oneOf") or ():
        yield from _words(form, definitions)
    if "$ref" in key:
        yield "a mapping"
    if "enum" in key:
        yield ", ".join(f"`{_plain(value)}`" for value in key["enum"])
        return
    if "const" in key:
        yield f"`{_plain(key['const'])}`"
        return
    kinds = key.get("type", ())
    for kind in [kinds] if isinstance(kinds, str) else kinds:
        yield from _kind_words(kind, key, definitions)


def _kind_words(kind: str, key: Mapping[str, Any], definitions: Mapping[str, Any]) -> Iterator[str]:
    match kind:
        case "number" | "integer":
            noun = "a number" if kind == "number" else "a whole number"
            yield noun + _bounds(key)
        case "string":
            is_factory = ":" in key.get("pattern", "")
            yield "`package.module:factory`" if is_factory else "text"
        case "boolean":
            yield "`true` or `false`"
        case "array":
            inner = _taken(key.get("items", {}), definitions)
            yield f"a list of {inner}" if inner else "a list"
        case "object":
            yield "a mapping"


def _bounds(key: Mapping[str, Any]) -> str:
    words = {
        "exclusiveMinimum": "above {}",
        "minimum": "from {}",
        "exclusiveMaximum": "below {}",
        "maximum": "to {}",
    }
    said = [word.format(f"{key[name]:g}") for name, word in words.items() if name in key]
    return " " + " ".join(said) if said else ""


def _default(key: Mapping[str, Any]) -> str:
    default = key.get("default")
    if isinstance(default, Mapping):
        default = {name: value for name, value in default.items() if value not in (None, {}, [])}
    if default in (None, {}, [], ""):
        return ""
    return f"`{_plain(default)}`"


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


# -- commands --------------------------------------------------------------------------


def _commands_page() -> str:
    opening = (
        "Every command with its arguments and options, as `study COMMAND --help` has them. Exit"
        " codes: 0 done, 1 nothing usable came out, 2 a mistake of the user's, 3 a fault outside"
        " the study file (the message says how to resume), 130 interrupted and resumable."
    )
    commands: Mapping[str, Any] = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    return _page("The commands", opening, (_command(name, commands[name]) for name in commands))


def _command(name: str, command: Any) -> str:
    shown = [parameter for parameter in command.params if parameter.name != "help"]
    arguments = [each for each in shown if each.param_type_name == "argument"]
    options = [each for each in shown if each.param_type_name == "option"]
    usage = " ".join(["study", name, *(_argument_usage(each) for each in arguments)])
    if options:
        usage += " [OPTIONS]"
    parts = [f"## `study {name}`", f"```text\n{usage}\n```", _help(command.help)]
    if shown:
        rows = [_parameter(each) for each in [*arguments, *options]]
        parts.append(_table(("", "what it does", "default"), rows))
    return "\n\n".join(parts)


def _help(text: str | None) -> str:
    return inspect.cleandoc(text or "").replace("``", "`").replace("\b\n", "")


def _argument_usage(argument: Any) -> str:
    words = argument.metavar or argument.name.upper()
    many = "…" if argument.nargs == -1 else ""
    return f"{words}{many}" if argument.required else f"[{words}{many}]"


def _parameter(parameter: Any) -> tuple[str, str, str]:
    if parameter.param_type_name == "argument":
        name = f"`{parameter.metavar or parameter.name.upper()}`"
    else:
        name = ", ".join(f"`{option}`" for option in reversed(parameter.opts))
        if not parameter.is_flag:
            name += f" {_value_name(parameter)}"
    described = _help(getattr(parameter, "help", ""))
    if getattr(parameter, "envvar", None):
        described += f" Also by `{parameter.envvar}`."
    default = parameter.default
    is_shown = default not in (None, False, "", (), []) and not callable(default)
    return name, described, f"`{default}`" if is_shown else ""


def _value_name(option: Any) -> str:
    return str(option.metavar or option.opts[0].lstrip("-").upper().replace("-", "_"))


# -- tables ----------------------------------------------------------------------------

_TABLES = {
    "points": "One row for each point that was proposed.",
    "trials": "One row for each trial, the failed and pruned ones included.",
    "epochs": "One row for each finished epoch of a trial that counts.",
}


def _tables_page() -> str:
    opening = (
        "The three tables of a study, as they lie in `results/` as Parquet, come from"
        " `analysis.load` as data frames and are queried by `study query`. A column has one type"
        " in every study. Each carries its meaning and unit in the file. Metrics of your own"
        " training add columns of their own."
    )
    parts = []
    for table, what in _TABLES.items():
        rows = [
            (f"`{column.name}`", str(column.type), column.unit, column.meaning)
            for column in listed_columns(table)  # type: ignore[arg-type]
        ]
        parts.append(f"## `{table}`\n\n{what}")
        parts.append(_table(("column", "type", "unit", "what it is"), rows))
    return _page("The tables", opening, parts)


# -- events ----------------------------------------------------------------------------


def _events_page() -> str:
    opening = (
        "A study's journal is a sequence of these events, one JSON object each: the kind under"
        " `event`, the moment under `time` (seconds since 1970), and the fields below. Nothing"
        " else is stored about what happened in a study; tables, reports and the study's own"
        " state all follow from it. Names of kinds and fields never change; newer versions add"
        " fields, each with a default. [How it works](../how-it-works.md) says how they are"
        " written."
    )
    return _page("The journal's events", opening, map(_event, Event.kinds.values()))


def _event(kind: type[Event]) -> str:
    name = next(word for word, each in Event.kinds.items() if each is kind)
    rows = [
        (f"`{field}`", f"`{type_}`", sentence) for field, type_, sentence in _event_fields(kind)
    ]
    parts = [f"## `{name}`", inspect.getdoc(kind) or ""]
    if rows:
        parts.append(_table(("field", "type", "what it is"), rows))
    return "\n\n".join(parts)


def _event_fields(kind: type[Event]) -> Iterator[tuple[str, str, str]]:
    """Give each field of an event: its name, its type as it is written, the sentence below it."""
    assert inspect.getmodule(kind) is events
    source = textwrap.dedent(inspect.getsource(kind))
    (definition,) = ast.parse(source).body
    assert isinstance(definition, ast.ClassDef)
    for statement, below in pairwise([*definition.body, ast.Pass()]):
        match statement:
            case ast.AnnAssign(target=ast.Name(id=field), annotation=annotation):
                sentence = ""
                match below:
                    case ast.Expr(value=ast.Constant(value=str(text))):
                        sentence = inspect.cleandoc(text).replace("``", "`")
                yield field, ast.unparse(annotation), sentence


if __name__ == "__main__":
    write()
