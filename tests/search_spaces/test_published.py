"""The study files of published experiments hold every published row, at the setting that was
published.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from study.spec.load import load_spec
from study.spec.spec import StudySpec
from study.training.recipe.recipe import Recipe, parse_recipe
from study.training.recipe.recipe_paths import flatten

STUDIES = (
    "annt_factorial",
    "annt_replica",
    "cifar10_fast",
    "deepstudy_googlenet",
    "deepstudy_resnet",
    "flux_vgg16_resnet18",
    "knet_stopping",
    "mobilenet_v1_width",
    "recipes",
)
DISTINCT_SETTINGS = {
    "annt_replica": 12,
    "cifar10_fast": 1,
    "deepstudy_googlenet": 6,
    "deepstudy_resnet": 3,
    "flux_vgg16_resnet18": 4,
    "knet_stopping": 17,
    "mobilenet_v1_width": 2,
}
END = 0
"""Stands for ``end: true`` below."""

# study, entry, epoch, figures: every row of the published tables that holds one
ROWS: list[tuple[str, int, int, dict[str, float]]] = [
    (
        "flux_vgg16_resnet18",
        0,
        5,
        {"epoch_seconds": 17.553, "train_accuracy": 0.905, "test_accuracy": 0.809},
    ),
    (
        "flux_vgg16_resnet18",
        0,
        45,
        {"epoch_seconds": 15.105, "train_loss": 0.006, "test_loss": 0.9333},
    ),
    (
        "flux_vgg16_resnet18",
        0,
        50,
        {"epoch_seconds": 15.056, "test_accuracy": 0.838, "test_loss": 0.953},
    ),
    (
        "flux_vgg16_resnet18",
        1,
        5,
        {"epoch_seconds": 26, "train_loss": 0.431, "test_accuracy": 0.812},
    ),
    ("flux_vgg16_resnet18", 1, 45, {"epoch_seconds": 27, "train_loss": 0.035, "test_loss": 1.065}),
    (
        "flux_vgg16_resnet18",
        1,
        50,
        {"epoch_seconds": 27, "train_loss": 1.033, "test_accuracy": 0.830},
    ),
    (
        "flux_vgg16_resnet18",
        2,
        5,
        {"epoch_seconds": 33, "train_accuracy": 0.758, "test_loss": 0.827},
    ),
    (
        "flux_vgg16_resnet18",
        2,
        45,
        {"epoch_seconds": 31, "train_loss": 0.086, "test_accuracy": 0.766},
    ),
    (
        "flux_vgg16_resnet18",
        2,
        50,
        {"epoch_seconds": 30, "train_accuracy": 0.991, "test_accuracy": 0.787},
    ),
    (
        "flux_vgg16_resnet18",
        3,
        5,
        {"epoch_seconds": 30, "train_accuracy": 0.7262, "test_loss": 1.254},
    ),
    (
        "flux_vgg16_resnet18",
        3,
        45,
        {"epoch_seconds": 29, "train_loss": 0.0786, "test_accuracy": 0.7504},
    ),
    (
        "flux_vgg16_resnet18",
        3,
        50,
        {"epoch_seconds": 29, "train_accuracy": 0.9763, "test_accuracy": 0.7564},
    ),
    ("annt_replica", 0, END, {"seconds": 86 * 60}),
    ("annt_replica", 1, 30, {"seconds": 46 * 60, "test_accuracy": 0.92, "test_f1": 0.92}),
    ("annt_replica", 2, END, {"seconds": 85 * 60}),
    ("annt_replica", 3, 30, {"seconds": 18 * 60, "test_accuracy": 0.752}),
    ("annt_replica", 4, 20, {"seconds": 6132, "test_accuracy": 0.9645, "test_loss": 0.1113}),
    ("annt_replica", 5, 20, {"seconds": 4309, "test_accuracy": 0.9593, "test_f1": 0.9592}),
    ("annt_replica", 6, 20, {"seconds": 6103, "test_accuracy": 0.8363, "test_top5": 0.9796}),
    ("annt_replica", 7, END, {"seconds": 3960, "test_accuracy": 0.90, "train_accuracy": 0.81}),
    ("annt_replica", 8, END, {"seconds": 4.2 * 3600, "extrapolated": True}),
    ("annt_replica", 9, 10, {"seconds": 2 * 3600, "val_accuracy": 0.97, "val_loss": 0.36}),
    ("annt_replica", 10, END, {"seconds": 6.2 * 3600, "extrapolated": True}),
    ("annt_replica", 11, 15, {"seconds": 2.5 * 3600, "val_accuracy": 0.84, "val_loss": 2.47}),
    ("cifar10_fast", 0, END, {"seconds": 2.6, "test_accuracy": 0.94}),
    ("mobilenet_v1_width", 0, 32, {"seconds": 11 * 3600}),
    ("deepstudy_googlenet", 0, 11, {"test_accuracy": 0.4889, "seconds": 1054}),
    ("deepstudy_googlenet", 0, 101, {"test_accuracy": 0.7562, "seconds": 9649}),
    ("deepstudy_googlenet", 0, 301, {"test_accuracy": 0.7965, "seconds": 28728}),
    ("deepstudy_googlenet", 0, 901, {"test_accuracy": 0.795}),
    ("deepstudy_googlenet", 1, 11, {"test_accuracy": 0.6145, "seconds": 1149}),
    ("deepstudy_googlenet", 2, 11, {"test_accuracy": 0.723, "seconds": 1159}),
    ("deepstudy_googlenet", 2, 21, {"test_accuracy": 0.8118, "seconds": 2213}),
    ("deepstudy_googlenet", 2, 140, {"test_accuracy": 0.892, "seconds": 14763}),
    ("deepstudy_googlenet", 3, 11, {"test_accuracy": 0.562, "seconds": 1155}),
    ("deepstudy_googlenet", 4, 11, {"test_accuracy": 0.7199, "seconds": 1159}),
    ("deepstudy_googlenet", 5, 11, {"test_accuracy": 0.6069, "seconds": 1116}),
    ("deepstudy_resnet", 0, 11, {"test_accuracy": 0.6003, "seconds": 532}),
    ("deepstudy_resnet", 0, 51, {"test_accuracy": 0.8046, "seconds": 2220}),
    ("deepstudy_resnet", 0, 301, {"test_accuracy": 0.8911, "seconds": 13368}),
    ("deepstudy_resnet", 0, 501, {"test_accuracy": 0.904, "seconds": 22249}),
    ("deepstudy_resnet", 1, 11, {"test_accuracy": 0.5111, "seconds": 489}),
    ("deepstudy_resnet", 1, 51, {"test_accuracy": 0.7848, "seconds": 2271}),
    ("deepstudy_resnet", 1, 301, {"test_accuracy": 0.8953, "seconds": 13405}),
    ("deepstudy_resnet", 2, 11, {"test_accuracy": 0.6604, "seconds": 489}),
    ("deepstudy_resnet", 2, 43, {"test_accuracy": 0.8051, "seconds": 1915}),
    ("deepstudy_resnet", 2, 44, {"test_accuracy": 0.5248, "seconds": 1959}),
    ("deepstudy_resnet", 2, 72, {"test_accuracy": 0.8071, "seconds": 1959}),
    ("deepstudy_resnet", 2, 101, {"test_accuracy": 0.8381, "seconds": 4496}),
    ("deepstudy_resnet", 2, 301, {"test_accuracy": 0.8968, "seconds": 13396}),
    ("deepstudy_resnet", 2, 501, {"test_accuracy": 0.9051, "seconds": 22296}),
    ("deepstudy_resnet", 2, 1000, {"test_accuracy": 0.9148, "seconds": 44563}),
    ("knet_stopping", 0, 10, {"test_accuracy": 0.99, "seconds": 37}),
    ("knet_stopping", 1, 3, {"test_accuracy": 0.99, "seconds": 10}),
    (
        "knet_stopping",
        2,
        END,
        {"train_loss": 0.00637, "test_loss": 0.0841, "test_accuracy": 1 - 0.0243},
    ),
    (
        "knet_stopping",
        2,
        END,
        {"train_loss": 0.00519, "test_loss": 0.0769, "test_accuracy": 1 - 0.0218},
    ),
    (
        "knet_stopping",
        3,
        END,
        {"train_loss": 0.0265, "train_accuracy": 1 - 0.0069, "test_accuracy": 1 - 0.0231},
    ),
    (
        "knet_stopping",
        4,
        END,
        {"train_loss": 0.0145, "train_accuracy": 1 - 0.0038, "test_accuracy": 1 - 0.0189},
    ),
    (
        "knet_stopping",
        5,
        END,
        {"train_loss": 0.0035, "train_accuracy": 1 - 0.0003, "test_accuracy": 1 - 0.0149},
    ),
    (
        "knet_stopping",
        6,
        END,
        {"train_loss": 0.2407, "train_accuracy": 1 - 0.0691, "test_accuracy": 1 - 0.0794},
    ),
    (
        "knet_stopping",
        7,
        END,
        {"train_loss": 0.000135, "test_loss": 0.0197, "test_accuracy": 1 - 0.0053},
    ),
    ("knet_stopping", 8, 10, {"test_accuracy": 0.78, "seconds": 159}),
    ("knet_stopping", 8, 10, {"test_accuracy": 0.7826, "seconds": 103.09}),
    ("knet_stopping", 8, 1, {"epoch_seconds": 22.0}),
]


@cache
def spec_of(study: str) -> StudySpec:
    return load_spec(study)


def entry(study: str, index: int) -> Recipe:
    spec = spec_of(study)
    return spec.recipe(spec.first_values(index), 0)


def values(study: str, index: int) -> dict[str, object]:
    return dict(flatten(entry(study, index)))


@pytest.mark.parametrize("study", STUDIES)
def test_each_study_file_is_valid_and_named_as_its_file(study: str) -> None:
    spec = spec_of(study)
    assert spec.study == study
    assert spec.question.endswith("?")
    assert len(spec.first) == DISTINCT_SETTINGS.get(study, 0)
    assert spec.reproducible == (not spec.resources.gpus), "GPUs don't repeat their figures"


@pytest.mark.parametrize(
    ("study", "index", "epoch", "figures"), ROWS, ids=lambda value: str(value)[:40]
)
def test_each_published_row_is_a_milestone(
    study: str, index: int, epoch: int, figures: dict[str, float]
) -> None:
    rows = [row for row in spec_of(study).first[index].published if row.get("epoch", END) == epoch]
    wanted = {key: pytest.approx(value) for key, value in figures.items()}
    assert any({key: row.get(key) for key in wanted} == wanted for row in rows)


@pytest.mark.parametrize("study", DISTINCT_SETTINGS)
def test_no_milestone_lies_behind_the_end_of_its_training(study: str) -> None:
    for index, first in enumerate(spec_of(study).first):
        epochs = entry(study, index).epochs
        assert all(epochs is None or row.get("epoch", END) <= epochs for row in first.published)  # type: ignore[operator]


@pytest.mark.parametrize("study", DISTINCT_SETTINGS)
def test_all_entries_differ(study: str) -> None:
    entries = [entry(study, index).model_dump_json() for index in range(DISTINCT_SETTINGS[study])]
    assert len(set(entries)) == len(entries)


def test_the_replica_keeps_the_confounds_of_its_arms() -> None:
    for without, tuned in ((0, 1), (2, 3), (4, 5), (6, 7), (8, 9), (10, 11)):
        before, after = values("annt_replica", without), values("annt_replica", tuned)
        assert before["data.loader.pin_memory"] is after["data.loader.pin_memory"] is True
        assert before["data.batch_size"] != after["data.batch_size"]
        assert (before["precision"], after["precision"]) in {
            ("fp32", "fp16"),
            ("fp32", "fp16_unscaled"),
        }
        assert before["data.name"] == after["data.name"]
    assert values("annt_replica", 0)["clip.name"] == "value"
    assert values("annt_replica", 1)["clip.name"] == "none"
    assert values("annt_replica", 5)["accumulation"] == 1
    assert (
        values("annt_replica", 9)["micro_batch_size"]
        == values("annt_replica", 11)["micro_batch_size"]
        == 70
    )


@pytest.mark.parametrize("index", range(12))
def test_the_replica_sets_every_field_of_its_data(index: int) -> None:
    flat = values("annt_replica", index)
    assert flat["data.name"] == ("cifar10" if index in (0, 1, 4, 5, 8, 9) else "cifar100")
    assert flat["data.loader.name"] == "host"
    assert flat["data.image_size"] == (None if index < 4 else 224)
    assert flat["data.augment.name"] == ("crop_flip", "affine_flip", "none")[index // 4]


def test_the_factorial_varies_nothing_but_its_three_switches() -> None:
    spec = spec_of("annt_factorial")
    assert set(spec.space.paths()) == {"precision", "accumulation", "data.loader.pin_memory"}
    points = [flatten(spec.recipe(point, 0)) for point in spec.space.grid()]
    assert len(points) == 8
    varied = {path for path in points[0] if len({str(point[path]) for point in points}) > 1}
    assert varied == {"precision", "accumulation", "data.loader.pin_memory", "micro_batch_size"}


def test_the_switch_is_triggered_by_test_accuracy_and_published_labels_count_from_0() -> None:
    spec = spec_of("deepstudy_resnet")
    assert values("deepstudy_resnet", 2)["schedule.metric"] == "test_accuracy"
    assert values("deepstudy_resnet", 2)["schedule.lr_after"] == 0.1
    for first in spec.first:
        for row in first.published:
            assert int(str(row["label"])) == (1000 if row["epoch"] == 1000 else row["epoch"] - 1)  # type: ignore[operator]


def test_every_iterator_form_of_knet_has_an_entry() -> None:
    forms = [values("knet_stopping", index) for index in range(10, 17)]
    assert [form["epochs"] for form in forms] == [1, 10, None, None, 10, 10, 20]
    assert [form["steps"] for form in forms][2:4] == [1500, 300]
    assert [form.get("converge.alpha") for form in forms][4:6] == [0.1, 0.001]
    assert forms[6]["target.metric"] == "test_accuracy"


def test_knets_networks_see_images_from_0_to_1_except_the_one_with_batch_norm() -> None:
    for index in range(DISTINCT_SETTINGS["knet_stopping"]):
        has_norm = values("knet_stopping", index)["model.norm"] != "none"
        expected = "dataset" if has_norm else "none"
        assert values("knet_stopping", index)["data.normalize"] == expected, index


def test_double_softmax_is_written_where_it_was_published() -> None:
    for study, index in (
        ("deepstudy_googlenet", 2),
        ("deepstudy_resnet", 0),
        ("mobilenet_v1_width", 0),
    ):
        assert values(study, index)["model.softmax"] is True
    assert values("flux_vgg16_resnet18", 0)["model.softmax"] is False


def test_the_product_of_recipes_reaches_every_network_optimizer_schedule_and_precision() -> None:
    from study.training.recipe.model_catalog import MODEL_NAMES
    from study.training.recipe.recipe_paths import fields_of_forms

    space = spec_of("recipes").tree()["space"]
    assert set(space["model"]["one_of"]) == set(MODEL_NAMES)
    for section in ("optimizer", "schedule", "clip"):
        assert set(space[section]["one_of"]) == set(fields_of_forms(section) or {})
    assert set(space["data"]["augment"]["one_of"]) == set(fields_of_forms("data.augment") or {})
    assert len(space["precision"]["choice"]) == 5


def test_any_point_of_the_product_is_a_recipe() -> None:
    import optuna

    spec = spec_of("recipes")
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    for _ in range(200):
        recipe, faults = parse_recipe(spec.recipe_tree(spec.space.ask(study.ask())))
        assert recipe is not None, faults


@pytest.mark.parametrize("study", DISTINCT_SETTINGS)
def test_the_cost_of_every_entry_is_counted(study: str) -> None:
    from study.training.cost import UNKNOWN_COST, nominal_cost

    for index in range(DISTINCT_SETTINGS[study]):
        assert nominal_cost(entry(study, index)) != UNKNOWN_COST


@pytest.mark.parametrize("study", STUDIES)
def test_each_study_is_previewed_without_data_weights_or_gpu(study: str, tmp_path: Path) -> None:
    from study.inspection.preview import preview_of

    preview_of(spec_of(study), 3, storage=tmp_path, data_dir=tmp_path / "absent")
    assert not any(tmp_path.iterdir())
