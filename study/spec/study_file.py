"""The study file: its keys, what each may hold, and what it means where it is left out.

Validation, the JSON Schema of editors and the starting file all follow this model. Rules over
several keys are in ``study.spec.cross_checks``; what stands in ``space`` is judged by
``search_spaces``, what stands in ``recipe`` by the recipe.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from search_spaces.rules import LONGEST_RULE, RuleError, parse_rule
from search_spaces.validation import Fault
from study.files.layout import STUDY_NAME
from study.spec.kinds.own_sections import (
    FunctionName,
    OwnFirst,
    OwnObjective,
    OwnTrialLimits,
)
from study.spec.parts.file_section import FileSection
from study.spec.parts.notices import Notice
from study.spec.parts.prices import Prices
from study.spec.pruners import AnyPruner, NoPruning
from study.spec.samplers import AnySampler, Tpe
from study.spec.sections import (
    Confirm,
    First,
    Objective,
    Racing,
    RecipeValues,
    Resources,
    Roles,
    StudyLimits,
    TrialLimits,
)
from study.spec.synonyms import KEY_SYNONYMS, TOP_KEY_SYNONYMS, VALUE_SYNONYMS
from study.training.recipe.recipe_paths import FIELDS, SECTIONS
from study.validation.document import parse_document
from study.validation.numbers import AtLeastOne, Concurrency, Replicates, ZeroOrMore
from study.validation.section import OneOrMore, rule
from study.validation.vocabulary import Vocabulary


def _study_name(value: object) -> object:
    if isinstance(value, str) and STUDY_NAME.match(value):
        return value
    raise rule("must be a name of a-z, 0-9, '.', '_' and '-', 64 at most")


def _earlier_study(value: object) -> object:
    if isinstance(value, str) and value:
        return value
    raise rule("must be a study's name or folder")


def _rule_text(value: object) -> object:
    try:
        return parse_rule(value).text
    except RuleError as error:
        raise rule(
            error.must, found=error.found, accepted=error.accepted, nearest=error.nearest
        ) from None


_NAME_PATTERN = STUDY_NAME.pattern.removesuffix(r"\Z")
StudyName = Annotated[
    str,
    BeforeValidator(_study_name),
    Field(json_schema_extra={"pattern": f"^{_NAME_PATTERN}$"}),
]
EarlierStudy = Annotated[
    str, BeforeValidator(_earlier_study), Field(json_schema_extra={"minLength": 1})
]
RuleText = Annotated[
    str,
    BeforeValidator(_rule_text),
    Field(json_schema_extra={"minLength": 1, "maxLength": LONGEST_RULE}),
]
Objectives = Annotated[tuple[Objective, ...], OneOrMore(least=1, most=2)]


class StudyFile(FileSection):
    """All that a study file may say."""

    study: StudyName
    """the study's name and its folder's"""
    question: str = ""
    """what the study is to answer; the report opens with it"""
    objective: Objectives = (Objective(metric="val_accuracy"),)
    """what is optimized"""
    points: AtLeastOne | None = None
    """how many points may be proposed, those of first included"""
    replicates: Replicates = 1
    """trials a point, with seeds 0 to replicates - 1"""
    concurrency: Concurrency | None = None
    """trials at once; left out, what the resources allow"""
    resources: Resources = Resources()
    """what one trial occupies"""
    sampler: AnySampler = Tpe()
    """proposes the points"""
    pruner: AnyPruner = NoPruning()
    """stops trials that promise little"""
    stop: StudyLimits = StudyLimits()
    """budgets of the whole study"""
    share: ZeroOrMore = 1.0
    """its weight on a cluster that other studies use too; 0 for what nobody else wants"""
    prices: Prices | None = None
    """what hours of processors cost"""
    notify: Annotated[tuple[Notice, ...], OneOrMore(most=20)] = ()
    """who is told of its end, of faults and of new best points"""
    trial: TrialLimits = TrialLimits()
    """limits of one trial"""
    keep_checkpoints: Literal["best", "last", "all", "none"] = "best"
    """of ended trials"""
    reproducible: bool | None = None
    """points and stops are a function of this file alone; on GPUs with execution.deterministic"""
    train: FunctionName | None = None
    """a function of your own that trains, in place of the built-in training"""
    max_epochs: AtLeastOne | None = None
    """how many epochs an own training has, where recipe has no epochs"""
    epoch_cost: FunctionName | None = None
    """a function of your own that says what an epoch costs with a config"""
    recipe: RecipeValues = Field(default_factory=dict)
    """fixed values, laid over the defaults"""
    space: dict[str, Any] = Field(default_factory=dict)
    """what is varied; mirrors the recipe"""
    roles: Roles = Roles()
    """what is compared and what is tuned away"""
    mode: Literal["search", "method-study"] = "search"
    """method-study: every level of the scientific paths has an equal budget"""
    racing: Racing | None = None
    """no further replicates of a point that is clearly losing"""
    confirm: Confirm | None = None
    """the winners and a baseline on fresh seeds after the search"""
    warm_start: Annotated[tuple[EarlierStudy, ...], OneOrMore()] = ()
    """earlier studies to learn from"""
    require: Annotated[tuple[RuleText, ...], OneOrMore(most=100)] = ()
    """rules between values, which hold for every point"""
    first: Annotated[tuple[First, ...], OneOrMore()] = ()
    """points that run first, exactly as written"""
    overrides: dict[str, Any] = Field(default_factory=dict)
    """recipe values by path that win over all else: what --set wrote"""
    defaults: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """the recipe's defaults when the study was created, written down by it"""


class OwnStudyFile(StudyFile):
    """All that the file of a study with an own training may say."""

    objective: Annotated[tuple[OwnObjective, ...], OneOrMore(least=1, most=2)] = Field()
    """what is optimized"""
    trial: OwnTrialLimits = OwnTrialLimits()
    """limits of one trial"""
    train: FunctionName = Field()
    """a function of your own that trains"""
    recipe: dict[str, Any] = Field(default_factory=dict)
    """the fixed values of the function's config"""
    first: Annotated[tuple[OwnFirst, ...], OneOrMore()] = ()
    """points that run first, exactly as written"""


_KEYS_OF_THE_RECIPE = {key: f"recipe.{key}" for key in (*FIELDS, *SECTIONS)}
_VOCABULARY = Vocabulary(
    StudyFile,
    key_synonyms={(): {**_KEYS_OF_THE_RECIPE, **TOP_KEY_SYNONYMS}, **KEY_SYNONYMS},
    value_synonyms=VALUE_SYNONYMS,
    short_keys=("name", "metric"),
    placeholders={
        ("study",): "unnamed",
        ("objective",): "val_accuracy",
        ("objective", "metric"): "val_accuracy",
        ("require",): "true",
        ("notify", "to"): "json",
        ("notify", "at"): {"env": "UNKNOWN"},
        ("notify", "at", "env"): "UNKNOWN",
        ("notify", "at", "file"): "unknown",
        ("first",): {"set": {}},
        ("first", "set"): {},
        ("first", "published"): {"end": True},
    },
)


_OWN_VOCABULARY = Vocabulary(
    OwnStudyFile,
    key_synonyms={(): TOP_KEY_SYNONYMS, **KEY_SYNONYMS},
    value_synonyms=VALUE_SYNONYMS,
    short_keys=("name",),
    placeholders={
        **_VOCABULARY.placeholders,
        ("train",): "unknown:unknown",
        ("objective",): {"metric": "unknown", "direction": "maximize"},
        ("objective", "metric"): "unknown",
        ("objective", "direction"): "maximize",
    },
)


def parse_study_file(tree: Mapping[str, object]) -> tuple[StudyFile | None, list[Fault]]:
    """Return what ``tree`` says, with what is at fault left out, and every fault in it."""
    if tree.get("train") is None:
        return parse_document(_VOCABULARY, tree)
    return parse_document(_OWN_VOCABULARY, tree)
