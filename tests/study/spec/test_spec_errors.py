"""Every error of a study file, each with its exact line: one fault, one line, all of them at
once.
"""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from study.errors import SpecError
from study.spec.load import load_spec, spec_from_tree
from study.training.recipe.recipe_paths import fields_of_forms

HEAD = "study: s\npoints: 4\n"
SPACE = "space: {optimizer: {lr: {log: [1e-3, 1]}}}\n"

Fails = Callable[..., list[str]]


@pytest.fixture
def fails(tmp_path: Path) -> Fails:
    """The error's lines for a file of this text, the folder cut off."""

    def fails(text: str, sets: tuple[str, ...] = ()) -> list[str]:
        file = tmp_path / "f.yaml"
        file.write_text(text)
        with pytest.raises(SpecError) as caught:
            load_spec(file, sets=sets)
        return [line.replace(f"{tmp_path}/", "") for line in caught.value.lines]

    return fails


OPTIMIZERS = " | ".join(fields_of_forms("optimizer") or {})
DISTRIBUTIONS = (
    "choice: [...] | uniform: [lo, hi] | log: [lo, hi] | int: [lo, hi] | log_int: [lo, hi] |"
    " one_of: {...}"
)

WHOLE_FILE = [
    ("", "f.yaml:1: must be a mapping; found an empty file"),
    ("- 1\n", "f.yaml:1: must be a mapping; found [1]"),
    ("a: [1, 2\nb: 3\n", "f.yaml:2: must be valid YAML; found "),
    (
        HEAD + SPACE + "points: 5\n",
        "f.yaml:4: points: must not stand there twice; found it again, first in line 2",
    ),
    (
        HEAD + SPACE + "seed: !!int 3\n",
        "f.yaml:4: seed: must not have a YAML tag; found 'tag:yaml.org,2002:int'",
    ),
]

KEYS = [
    (
        "pionts: 4",
        "pionts: must be a known key; found 'pionts'; accepted study | ",
        "(did you mean points?)",
    ),
    (
        "num_samples: 4",
        "num_samples: must be a known key; found 'num_samples'; ",
        "(did you mean points?)",
    ),
    ("n_trials: 4", "n_trials: must be a known key; ", "(did you mean points?)"),
    ("method: bayes", "method: must be a known key; ", "(did you mean sampler: tpe?)"),
    ("parameters: {}", "parameters: must be a known key; ", "(did you mean space?)"),
    ("metric: accuracy", "metric: must be a known key; ", "(did you mean objective.metric?)"),
    ("epochs: 3", "epochs: must be a known key; ", "(did you mean recipe.epochs?)"),
    (
        "mode: max",
        "mode: must be one of the accepted words; found 'max'; ",
        "objective: {direction: maximize}?)",
    ),
    ("replicates: true", "replicates: must be an integer; found true", ""),
    ("replicates: 0", "replicates: must be at least 1; found 0", ""),
    ("replicates: 1.5", "replicates: must be an integer; found 1.5", ""),
    ("concurrency: 0", "concurrency: must be at least 1; found 0", ""),
    ("resources: {gpus: 2}", "resources.gpus: must be at most 1; found 2", ""),
    ("resources: {cpus: 0}", "resources.cpus: must be greater than 0; found 0", ""),
    ("resources: {cpu: 1}", "resources.cpu: must be a known key; ", "(did you mean cpus?)"),
    ("stop: {wall_hours: .inf}", "stop.wall_hours: must be a finite number; found .inf", ""),
    ("stop: {wall_hours: -1}", "stop.wall_hours: must be greater than 0; found -1", ""),
    ("trial: {retries: {node: true}}", "trial.retries.node: must be an integer; found true", ""),
    ("reproducible: 1", "reproducible: must be true or false; found 1", ""),
    ("reproducible: no", "reproducible: must be true or false; found 'no'", ""),
    (
        "keep_checkpoints: bset",
        "keep_checkpoints: must be one of the accepted words; ",
        "(did you mean best?)",
    ),
    ("question: 3", "question: must be text; found 3", ""),
    (
        "sampler: bayes",
        "sampler: must name a known sampler; found 'bayes'; accepted tpe | ",
        "(did you mean tpe?)",
    ),
    (
        "sampler: {name: TPESampler}",
        "sampler.name: must name a known sampler; ",
        "(did you mean tpe?)",
    ),
    (
        "sampler: {name: 3}",
        "sampler.name: must be the name of a sampler; found 3; accepted tpe | ",
        "",
    ),
    ("sampler: {name: tpe, sed: 1}", "sampler.sed: must be a known key; ", "(did you mean seed?)"),
    ("sampler: {name: tpe, popsize: 5}", "sampler.popsize: must be a known key; ", ""),
    ("pruner: hyperbnd", "pruner: must name a known pruner; ", "(did you mean hyperband?)"),
    (
        "pruner: {name: asha, grace_period: 1}",
        "pruner.grace_period: must be a known key; ",
        "mean min_epochs?)",
    ),
    ("pruner: {name: asha, reduction: 1}", "pruner.reduction: must be at least 2; found 1", ""),
    (
        "objective: accuracy",
        "objective: must be one of the accepted words; ",
        "(did you mean val_accuracy?)",
    ),
    ("objective: {direction: maximize}", "objective.metric: must be given; found nothing", ""),
    (
        "objective: {metric: val_loss, direction: min}",
        "objective.direction: must be one of ",
        "mean minimize?)",
    ),
    (
        "objective: [val_loss, val_loss]",
        "objective[1].metric: must be another metric than the first; ",
        "",
    ),
    ("objective: [val_loss, val_f1, seconds]", "objective: must have 1 to 2 entries; found 3", ""),
    ("objective: test_accuracy", "objective.metric: must not look at the test set unless ", ""),
    ("confirm: {against: 0}", "confirm.against: must name an entry of first; found 0", ""),
    (
        "confirm: {against: first[0]}",
        "confirm.against: must be one of the 0 entries of first; found first[0]",
        "",
    ),
    (
        "roles: {scientific: [optimizer.lr]}",
        "roles.scientific[0]: must be a choice or a branch name of the space; ",
        "",
    ),
    (
        "roles: {nuisance: [optimizer.momentum]}",
        "roles.nuisance[0]: must be a path of the space; ",
        "",
    ),
    (
        "mode: method-study",
        "roles.scientific: must name what mode method-study compares; found nothing",
        "",
    ),
    (
        "reproducible: true\nobjective: total_seconds",
        "objective.metric: must not be measured by the machine ",
        "",
    ),
    (
        "reproducible: true\nrecipe: {seconds: 60}",
        "recipe.seconds: must not limit a trial by time ",
        "",
    ),
    ("first: [{published: []}]", "first[0].set: must be given; found nothing", ""),
    ("first: [{set: {epochs: 0}}]", "first[0].set.epochs: must be at least 1; found 0", ""),
    (
        "first: [{set: {optimizer: {name: rprop, momentum: 0.9}}}]",
        "first[0].set.optimizer.momentum: must be a ",
        "",
    ),
    ("first: [{set: {seed: 3}}]", "first[0].set.seed: must be left out: ", "accepted replicates"),
    (
        "first: [{set: {}, published: [{epoch: 0}]}]",
        "first[0].published[0].epoch: must be at least 1; found 0",
        "",
    ),
    (
        "first: [{set: {}, published: [{val_loss: 1}]}]",
        "first[0].published[0]: must have either epoch or end: ",
        "",
    ),
    (
        "first: [{set: {}, published: [{epoch: 1, labl: a}]}]",
        "first[0].published[0].labl: must be a known key ",
        "",
    ),
    (
        "recipe: {optimizer: {name: adma}}",
        "recipe.optimizer.name: must name a known optimizer; found 'adma'; ",
        "",
    ),
    (
        "recipe: {optimizer: {learning_rate: 1}}",
        "recipe.optimizer.learning_rate: must be a known key; ",
        "mean lr?)",
    ),
    ("recipe: {epochs: true}", "recipe.epochs: must be an integer; found true", ""),
    ("recipe: {epochs: .nan}", "recipe.epochs: must be a finite number; found .nan", ""),
    (
        "recipe: {accumulation: 3}",
        "recipe.accumulation: must divide data.batch_size, which is 64; found 3",
        "",
    ),
    ("recipe: {optimizer: {lr: -1}}", "recipe.optimizer.lr: must be greater than 0; found -1", ""),
    ("recipe: {seed: 1}", "recipe.seed: must be left out: ", "accepted replicates"),
    ("recipe: 3", "recipe: must be a mapping; found 3", ""),
]

SPACES = [
    ("lr: {log: [1, 2]}", "space.lr: must be a known key; ", "(did you mean optimizer.lr?)"),
    (
        "optimizer: {learning_rate: {log: [1, 2]}}",
        "space.optimizer.learning_rate: must be a known key; ",
        "mean lr?)",
    ),
    (
        "optimizer: {lr: {min: 1, max: 2}}",
        (
            "space.optimizer.lr: must be a distribution or a plain value; found a mapping with"
            f" min, max; accepted {DISTRIBUTIONS} "
        ),
        "(did you mean log: [lo, hi]?)",
    ),
    (
        "optimizer: {lr: {values: [1, 2]}}",
        "space.optimizer.lr: must be a distribution or a plain ",
        "mean choice?)",
    ),
    (
        "optimizer: {lr: {normal: [1, 2]}}",
        "space.optimizer.lr: must be a distribution or a plain ",
        "one_of: {...}",
    ),
    (
        "optimizer: {lr: {}}",
        "space.optimizer.lr: must be a distribution or a plain ",
        "one_of: {...}",
    ),
    (
        "optimizer: {lr: {loguniform: [1, 2]}}",
        "space.optimizer.lr: must be a distribution or a plain ",
        "mean log?)",
    ),
    (
        "optimizer: {lr: {log: [1, 1e-3]}}",
        "space.optimizer.lr.log: must be [low, high]; found [1, 0.001]",
        "(did you mean [0.001, 1]?)",
    ),
    (
        "optimizer: {lr: {log: [0, 1]}}",
        "space.optimizer.lr.log[0]: must be greater than 0 with log; found 0",
        "",
    ),
    (
        "optimizer: {lr: {log: [1]}}",
        "space.optimizer.lr.log: must be two bounds; found [1]; accepted [low, high]",
        "",
    ),
    (
        "optimizer: {lr: {uniform: [0.1, .inf]}}",
        "space.optimizer.lr.uniform[1]: must be a finite number; found .inf",
        "",
    ),
    (
        "optimizer: {lr: {uniform: [0.1, yes]}}",
        "space.optimizer.lr.uniform[1]: must be a finite number; ",
        "",
    ),
    (
        "optimizer: {lr: {uniform: [0, 1]}}",
        "space.optimizer.lr.uniform[0]: must be greater than 0; found 0.0",
        "",
    ),
    (
        "optimizer: {lr: {log: [1e-3, 1], step: 0.1}}",
        "space.optimizer.lr.step: must be left out with log; ",
        "",
    ),
    (
        "optimizer: {lr: {uniform: [0.1, 1], step: 0.4}}",
        "space.optimizer.lr.step: must lead from 0.1 to 1 in whole ",
        "",
    ),
    (
        "optimizer: {lr: {uniform: [0.1, 1], q: 0.1}}",
        "space.optimizer.lr.q: must not stand beside uniform; ",
        "",
    ),
    ("epochs: {int: [1, 2.5]}", "space.epochs.int[1]: must be an integer; found 2.5", ""),
    ("epochs: {int: [true, 2]}", "space.epochs.int[0]: must be an integer; found true", ""),
    ("epochs: {int: [0, 2]}", "space.epochs.int[0]: must be at least 1; found 0", ""),
    (
        "epochs: {choice: []}",
        "space.epochs.choice: must be a list of at least one value; found []",
        "",
    ),
    (
        "epochs: {choice: [1, 2, 1]}",
        "space.epochs.choice[2]: must not be a choice twice; found 1",
        "",
    ),
    ("epochs: {choice: [1, two]}", "space.epochs.choice[1]: must be an integer; found 'two'", ""),
    (
        "accumulation: {choice: [1, 3]}",
        "space.accumulation.choice[1]: must divide data.batch_size, which is 64; ",
        "",
    ),
    ("seed: {int: [0, 3]}", "space.seed: must not be varied: ", "accepted replicates"),
    (
        "model: {norm: {choice: [none, evry_conv]}}",
        "space.model.norm.choice[1]: must be one of ",
        "every_conv?)",
    ),
    (
        "optimizer: {one_of: {sdg: {lr: 1}}}",
        "space.optimizer.one_of.sdg: must name a known optimizer; ",
        "mean sgd?)",
    ),
    (
        "optimizer: {one_of: {adam: {momentum: 0.9}}}",
        "space.optimizer.one_of.adam.momentum: must be a known key; ",
        "",
    ),
    (
        "optimizer: {one_of: [sgd, adam]}",
        "space.optimizer.one_of: must be a mapping of names, ",
        "{sgd: {}, adam: {}}?)",
    ),
    (
        "optimizer: {one_of: {sgd: {}}, lr: 1}",
        "space.optimizer.lr: must stand in each branch, ",
        "",
    ),
    (
        "optimizer: {one_of: {sgd: 3}}",
        "space.optimizer.one_of.sgd: must be a mapping of the branch's own values",
        "",
    ),
    (
        "precision: {one_of: {fp32: {}}}",
        "space.precision.one_of: must stand at a section that has a name; ",
        "choice?)",
    ),
    (
        "optimizer: [sgd, adam]",
        "space.optimizer: must be a name or a mapping; ",
        "(did you mean choice: [...]?)",
    ),
    (
        "execution: fast",
        "space.execution: must be a mapping that mirrors the recipe; found 'fast'",
        "",
    ),
]


@pytest.mark.parametrize(("text", "line"), WHOLE_FILE)
def test_a_fault_of_the_file_itself(fails: Fails, text: str, line: str) -> None:
    assert any(found.startswith(line) for found in fails(text)), fails(text)


@pytest.mark.parametrize(("text", "start", "end"), KEYS, ids=[text for text, *_ in KEYS])
def test_a_fault_of_a_key_is_one_line_at_its_place(
    fails: Fails, text: str, start: str, end: str
) -> None:
    lines = fails(HEAD + SPACE + text + "\n")
    number = 4 + text.count("\n") * (not start.startswith("roles"))
    assert len(lines) == 1, lines
    assert lines[0].startswith((f"f.yaml:{number}: {start}", f"f.yaml:1: {start}")), lines
    assert lines[0].endswith(end)


@pytest.mark.parametrize(("text", "start", "end"), SPACES, ids=[text for text, *_ in SPACES])
def test_a_fault_of_the_space_is_one_line_at_its_place(
    fails: Fails, text: str, start: str, end: str
) -> None:
    lines = fails(HEAD + "space:\n" + f"  {text}\n")
    assert len(lines) == 1, lines
    assert lines[0].startswith(f"f.yaml:{4 + text.count(chr(10))}: {start}"), lines
    assert lines[0].endswith(end)


@pytest.mark.parametrize(
    "name",
    ["../up", "/etc", "a/b", "..", ".hidden", "", "A", "a" * 65, "a b", "a\\b", "con\n", "-a", "ä"],
)
def test_a_name_that_would_leave_the_storage_folder_is_refused(name: str) -> None:
    with pytest.raises(SpecError, match="study: must be a name of a-z, 0-9"):
        spec_from_tree({"study": name, "points": 1, "space": {"epochs": {"int": [1, 2]}}})


def test_a_study_needs_a_name_points_and_something_to_vary(fails: Fails) -> None:
    assert fails("question: why\n") == [
        "f.yaml:1: study: must be given; found nothing",
        (
            "f.yaml:1: space: must vary something with sampler tpe; found nothing; accepted"
            " sampler: first-only"
        ),
        "f.yaml:1: points: must be given with sampler tpe; found nothing; accepted points: 40",
    ]


def test_all_faults_come_in_one_go_in_the_order_of_the_file(fails: Fails) -> None:
    text = textwrap.dedent("""\
        study: s
        pionts: 4
        points: 4
        recipe:
          optimizer: adma
        space:
          schedule: {one_of: {cosine: {warmup_epochs: {int: [5, 0]}}}}
        """)
    assert fails(text) == [
        fails(text)[0],
        (
            "f.yaml:5: recipe.optimizer.name: must name a known optimizer; found 'adma'; accepted"
            f" {OPTIMIZERS} | package.module:factory (did you mean adamax?)"
        ),
        (
            "f.yaml:7: space.schedule.one_of.cosine.warmup_epochs.int: must be [low, high]; found"
            " [5, 0] (did you mean [0, 5]?)"
        ),
    ]
    assert fails(text)[0].startswith(
        "f.yaml:2: pionts: must be a known key; found 'pionts'; accepted study | "
    )


def test_every_choice_of_accumulation_must_divide_every_choice_of_batch_size(fails: Fails) -> None:
    space = (
        "space:\n  data: {batch_size: {choice: [64, 48, 50]}}\n  accumulation: {choice: [1, 2,"
        " 16]}\n"
    )
    assert fails(HEAD + space) == [
        "f.yaml:5: space.accumulation.choice[2]: must divide data.batch_size, which is 50; found 16"
    ]


def test_a_fixed_value_that_no_branch_but_one_has_is_refused_where_it_stands(fails: Fails) -> None:
    text = (
        HEAD + "recipe: {optimizer: {momentum: 0.9}}\nspace: {optimizer: {one_of: {sgd: {}, adam:"
        " {}}}}\n"
    )
    lines = fails(text)
    assert [line.partition("; ")[0] for line in lines] == [
        "f.yaml:3: recipe.optimizer.momentum: must be a known key"
    ]


def test_a_fixed_value_that_the_space_covers_is_judged_too(fails: Fails) -> None:
    assert fails(HEAD + "recipe: {optimizer: {lr: fast}}\n" + SPACE) == [
        "f.yaml:3: recipe.optimizer.lr: must be a number; found 'fast'"
    ]


def test_a_path_that_is_written_in_two_ways_is_varied_once(fails: Fails) -> None:
    space = "space:\n  model.norm: {choice: [none]}\n  model: {norm: none}\n"
    assert fails(HEAD + space) == [
        "f.yaml:4: space.model.norm: must set model.norm only once; found 'model.norm'"
    ]


RULES = [
    (
        "optimizer.lrr < 1",
        "must name values of the recipe; found 'optimizer.lrr' (did you mean optimizer.lr",
    ),
    ("lr < 1", "must name values of the recipe; found 'lr' (did you mean optimizer.lr?)"),
    (
        "optimizer == 'sgd'",
        "must name values of the recipe; found 'optimizer' (did you mean optimi",
    ),
    ("seed < 3", "must name values of the recipe; found 'seed'"),
    ("lr.__class__ == 1", "must name values of the recipe; found 'lr.__class__'"),
    ("optimizer.lr <", "must be an expression, such as optimizer.lr * accumulation <= 0.5; found "),
    ("optimizer.lr + 1", "must compare values, so that it holds or not; found 'optimizer.lr + 1'"),
    ("__import__('os') == 1", "must call no other function; found '__import__'; accepted min | "),
    ("[1, 2]", "must be made of what a rule may hold; found '[1, 2]'; accepted numbers | 'text' |"),
]


@pytest.mark.parametrize(("rule", "line"), RULES)
def test_a_fault_of_a_rule_is_one_line_at_its_place(fails: Fails, rule: str, line: str) -> None:
    text = HEAD + SPACE + f'require:\n  - epochs > 1\n  - "{rule}"\n'
    (found,) = fails(text)
    assert found.startswith(f"f.yaml:6: require[1]: {line}"), found


def test_every_rule_at_fault_is_told_at_its_own_line(fails: Fails) -> None:
    rules = ["epochs <", "epohcs < 1 and optimizer.lrr < 2", "1", "lr < 1"]
    text = HEAD + SPACE + "require:\n" + "".join(f'  - "{rule}"\n' for rule in rules)
    lines = fails(text)
    assert [line.split(":")[1:3] for line in lines] == [
        ["5", " require[0]"],
        ["6", " require[1]"],
        ["7", " require[2]"],
        ["8", " require[3]"],
    ]
    assert "found 'epohcs', 'optimizer.lrr' (did you mean epochs" in lines[1]
    assert lines[3].endswith("found 'lr' (did you mean optimizer.lr?)")


def test_a_rule_is_a_text(fails: Fails) -> None:
    assert fails(HEAD + SPACE + "require: [true, epochs > 1]\n") == [
        "f.yaml:4: require[0]: must be a rule in text, such as optimizer.lr * accumulation <= 0.5;"
        " found true"
    ]


def test_another_tools_word_for_rules_is_answered_with_ours(fails: Fails) -> None:
    (line,) = fails(HEAD + SPACE + "constraints: [epochs > 1]\n")
    assert line.endswith("(did you mean require?)")


def test_an_entry_that_breaks_rules_is_refused_with_their_texts(fails: Fails) -> None:
    rules = "require: [optimizer.lr < 0.1, epochs > 1, accumulation < 2]\n"
    first = "first:\n  - set: {optimizer.lr: 0.01}\n  - set: {optimizer.lr: 0.5, accumulation: 2}\n"
    assert fails(HEAD + SPACE + rules + first) == [
        "f.yaml:7: first[1].set: must keep require: optimizer.lr < 0.1 and require: accumulation"
        " < 2; found optimizer.lr 0.5, accumulation 2"
    ]


def test_a_space_of_which_hardly_any_point_passes_is_refused(fails: Fails) -> None:
    text = HEAD + SPACE + "require: [optimizer.lr > 0.9999]\n"
    (line,) = fails(text)
    assert line.startswith("f.yaml:4: require: must let at least 0.1% of the space pass; found ")
    assert line.endswith(" of 10,000 draws")


def test_a_level_of_which_no_point_passes_is_named(fails: Fails) -> None:
    text = HEAD + "space: {precision: {choice: [fp32, bf16]}, optimizer: {lr: {log: [1e-3, 1]}}}\n"
    compared = "roles: {scientific: [precision]}\nmode: method-study\n"
    rules = "require: [\"precision == 'fp32'\"]\n"
    assert fails(text + compared + rules) == [
        "f.yaml:6: require: must let at least 0.1% of the level precision = bf16 pass; found 0 of"
        " 10,000 draws"
    ]


def test_a_grid_needs_steps(fails: Fails) -> None:
    assert fails(f"study: s\nsampler: grid\n{SPACE}") == [
        "f.yaml:3: space.optimizer.lr: must have a step with sampler grid; found a mapping with log"
    ]


def test_a_list_of_points_needs_entries(fails: Fails) -> None:
    assert fails("study: s\nsampler: first-only\n") == [
        "f.yaml:1: first: must have entries with sampler first-only; found none"
    ]


METHODS = textwrap.dedent("""\
    study: s
    points: {points}
    mode: method-study
    roles: {{scientific: [{factors}]}}
    space:
      optimizer:
        one_of:
          sgd: {{lr: {{log: [1e-3, 1]}}, nesterov: {{choice: [true, false]}}}}
          adam: {{lr: {{log: [1e-5, 1e-2]}}}}
    """)


def test_a_method_study_needs_a_point_for_each_level(fails: Fails) -> None:
    assert fails(METHODS.format(points=1, factors="optimizer.name")) == [
        "f.yaml:2: points: must give each of the 2 levels a point; found 1; accepted 2 | 4 | …"
    ]


def test_what_is_compared_inside_a_branch_needs_the_branch_beside_it(fails: Fails) -> None:
    assert fails(METHODS.format(points=4, factors="optimizer.nesterov")) == [
        "f.yaml:4: roles.scientific[0]: must stand beside optimizer.name, in whose branches it"
        " lies; found 'optimizer.nesterov'; accepted optimizer.name"
    ]


@pytest.mark.parametrize(
    ("option", "line"),
    [
        ("foo", "--set: must be path=value; found 'foo'"),
        ("=3", "--set: must be path=value; found '=3'"),
        ("sampelr.seed=3", "--set sampelr.seed=3: sampelr: must be a known key; "),
        ("points=many", "--set points=many: points: must be an integer; found 'many'"),
        ("recipe.epochs=0", "--set recipe.epochs=0: recipe.epochs: must be at least 1; found 0"),
        ("recipe.epoch=1", "--set recipe.epoch=1: recipe.epoch: must be a known key; "),
        ("recipe.seed=1", "--set recipe.seed=1: recipe.seed: must be left out: "),
        (
            "recipe.optimizer=adma",
            "--set recipe.optimizer=adma: recipe.optimizer.name: must name a known optimizer; ",
        ),
        ("recipe=3", "--set recipe=3: recipe: must be a mapping; found 3"),
        ("points=[1", "--set points=[1: points: must be valid YAML; "),
        (
            "first[2].set.epochs=3",
            "--set first[2].set.epochs=3: first[2].set.epochs: must lead to a key or to an entry",
        ),
        (
            "space.optimizer.lr.log=[2, 1]",
            "--set space.optimizer.lr.log=[2, 1]: space.optimizer.lr.log: must be [low",
        ),
    ],
)
def test_a_bad_option_is_named_in_place_of_a_line(fails: Fails, option: str, line: str) -> None:
    lines = fails(HEAD + SPACE, (option,))
    assert len(lines) == 1, lines
    assert lines[0].startswith(line), lines


@pytest.mark.parametrize("source", ["no/such.yaml", "quickstrat", "/", "a\0b"])
def test_a_file_that_is_none_is_one_line(source: str) -> None:
    with pytest.raises(SpecError) as caught:
        load_spec(source)
    assert len(caught.value.lines) == 1
    assert ":1: must be a study file" in caught.value.lines[0]


def test_a_misspelt_shipped_name_is_guessed() -> None:
    with pytest.raises(SpecError, match=r"did you mean quickstart\?"):
        load_spec("quickstrat")


def test_faults_are_found_without_torch_ray_or_optuna(tmp_path: Path) -> None:
    file = tmp_path / "f.yaml"
    file.write_text(
        "study: s\npionts: 3\nrecipe: {optimizer: adma}\nspace: {epochs: {int: [3, 1]}}\n"
    )
    program = textwrap.dedent("""\
        import sys
        from study.errors import SpecError
        from study.spec.load import load_spec
        try:
            load_spec(sys.argv[1])
        except SpecError as error:
            print(error)
        heavy = {"torch", "ray", "optuna", "pandas", "numpy", "torchvision", "sklearn", "scipy"}
        print("loaded", sorted(heavy & set(sys.modules)))
        """)
    answer = subprocess.run(
        [sys.executable, "-c", program, str(file)], capture_output=True, text=True, check=True
    )
    lines = answer.stdout.splitlines()
    assert [line.split(": ")[1] for line in lines[:-1]] == [
        "points",
        "pionts",
        "recipe.optimizer.name",
        "space.epochs.int",
    ]
    assert lines[-1] == "loaded []"


def test_what_the_space_varies_must_exist_in_a_section_that_is_set_to_another_name(
    fails: Fails,
) -> None:
    text = (
        HEAD + "recipe: {data: {loader: host}}\nspace: {data: {loader: {pin_memory: {choice: [true,"
        " false]}}}}\n"
    )
    assert fails(text, ("recipe.data.loader.name=device",)) == [
        "f.yaml:4: space.data.loader.pin_memory: must be a known key; found 'pin_memory'; accepted"
        " name"
    ]


def test_what_only_another_loader_has_is_refused_as_a_fixed_value_too(fails: Fails) -> None:
    assert fails(HEAD + "recipe: {data: {loader: {name: device, pin_memory: true}}}\n" + SPACE) == [
        "f.yaml:3: recipe.data.loader.pin_memory: must be a known key; found 'pin_memory'; accepted"
        " name"
    ]


@pytest.mark.parametrize("space", [{"optimzer.lr": {"log": [1e-4, 1]}}, {"optimzer": {"lr": 1}}])
def test_a_misspelled_section_is_named_however_it_is_written(space: dict[str, Any]) -> None:
    with pytest.raises(SpecError) as caught:
        spec_from_tree({"study": "s", "points": 2, "space": space})
    told = str(caught.value)
    assert "space.optimzer: must be a known key; found 'optimzer'" in told
    assert "(did you mean optimizer?)" in told
