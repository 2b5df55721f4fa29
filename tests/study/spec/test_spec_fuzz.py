"""Any input gives either a spec or a SpecError of one-line faults, never anything else."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from study.errors import SpecError
from study.files.yaml_reader import read_yaml
from study.files.yaml_writer import write_yaml
from study.spec.fault_report import FaultReport
from study.spec.load import load_spec, spec_from_tree
from study.spec.resolve import resolve_spec
from study.spec.spec import StudySpec
from study.spec.study_file import StudyFile
from study.training.recipe.recipe_paths import FIELDS, SECTIONS

QUICKSTART = load_spec("quickstart").yaml()
TREE = read_yaml(QUICKSTART).tree
LOOSE = settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])

WORDS = sorted(
    {
        *StudyFile.model_fields,
        *FIELDS,
        *SECTIONS,
        *(part for path in FIELDS for part in path.split(".")),
    }
    | {
        "choice",
        "uniform",
        "log",
        "int",
        "log_int",
        "one_of",
        "step",
        "name",
        "set",
        "published",
        "epoch",
        "seed",
    }
    | {
        "sgd",
        "adamw",
        "cosine",
        "constant",
        "digits",
        "small_cnn",
        "tpe",
        "grid",
        "first-only",
        "first[0]",
        "asha",
    }
    | {
        "method-study",
        "fp32",
        "none",
        "val_accuracy",
        "total_seconds",
        "min",
        "max",
        "a.b:c",
        ".",
        "..",
        "a..b",
        "",
    }
)
words = st.sampled_from(WORDS)
scalars = (
    st.none()
    | st.booleans()
    | st.sampled_from(
        [-1, 0, 1, 2, 3, 64, 2**40, 2**63, 0.5, 1e-3, 1e300, -0.0, float("nan"), float("inf")]
    )
    | words
    | st.text(max_size=5)
)
trees: st.SearchStrategy[Any] = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(words | st.text(max_size=3), inner, max_size=4)
    ),
    max_leaves=15,
)


def spec_or_lines(read_it: Any) -> None:
    """A spec that reads back equal, or lines without line breaks."""
    try:
        spec = read_it()
    except SpecError as error:
        lines = error.lines
    else:
        assert isinstance(spec, StudySpec)
        assert spec_from_tree(spec.tree()) == spec
        return
    assert lines
    assert all(line.isprintable() for line in lines), lines


def read_text(text: str | bytes) -> StudySpec:
    document = read_yaml(text)
    return resolve_spec(document.tree, FaultReport("f.yaml", document))


@LOOSE
@given(st.dictionaries(words | st.text(max_size=3), trees, max_size=6))
def test_any_tree(tree: dict[str, Any]) -> None:
    spec_or_lines(lambda: spec_from_tree(tree))


@LOOSE
@given(st.sampled_from(sorted(StudyFile.model_fields)), trees)
def test_any_value_of_any_key(key: str, value: Any) -> None:
    spec_or_lines(lambda: spec_from_tree(TREE | {key: value}))


@LOOSE
@given(
    st.sampled_from(sorted(FIELDS | SECTIONS)),
    trees,
    st.sampled_from(["recipe", "space", "set", "overrides"]),
)
def test_any_value_of_any_recipe_path(path: str, value: Any, where: str) -> None:
    key, written = ("first", [{"set": {path: value}}]) if where == "set" else (where, {path: value})
    spec_or_lines(lambda: spec_from_tree(TREE | {key: written}))


@LOOSE
@given(
    st.lists(
        st.tuples(
            st.integers(0, len(QUICKSTART)),
            st.integers(0, 30),
            st.sampled_from(
                [*"{}[]:-&*!|>'\"#?%@`,\n\t ~.0", "  ", "\n\n", "<<", "!!int", "---", "1e999"]
            )
            | words,
        ),
        min_size=1,
        max_size=4,
    )
)
def test_any_damage_to_a_study_file(edits: list[tuple[int, int, str]]) -> None:
    text = QUICKSTART
    for start, length, replacement in edits:
        text = text[:start] + replacement + text[start + length :]
    spec_or_lines(lambda: read_text(text))


@LOOSE
@given(st.lists(st.tuples(words | st.text(max_size=12), trees), min_size=1, max_size=3))
def test_any_option(options: list[tuple[str, Any]]) -> None:
    sets = [
        f"{path}={write_yaml({'x': value}).partition(':')[2].strip()}" for path, value in options
    ]
    spec_or_lines(lambda: load_spec("quickstart", sets=sets))
