from __future__ import annotations

from analysis.report.variation import variation_sentences

from ..coverage.worlds import World, lr, spec_of


def test_the_spread_of_points_and_seeds_is_told_in_a_sentence() -> None:
    world = World(spec_of(replicates=2))
    for rate, seeds in ((0.1, [0.5, 0.52]), (0.2, [0.7, 0.72]), (0.3, [0.9, 0.92])):
        world.whole(lr(rate), seeds)
    (sentence,) = variation_sentences(world.results)
    assert sentence.startswith("val_accuracy varies with a standard deviation of 0.199")
    assert "(0.0141 over all of them)" in sentence
    assert "images" not in sentence, "their number is not known here"


def test_points_of_one_seed_say_nothing_of_seeds() -> None:
    world = World(spec_of())
    for rate in (0.1, 0.2):
        world.whole(lr(rate), [rate])
    assert variation_sentences(world.results) == []


def test_of_accuracies_it_is_told_what_other_images_would_change() -> None:
    said = "x, train 9, validation 200, test 9, seed 0"
    world = World(spec_of(replicates=2))
    for rate, seeds in ((0.1, [0.5, 0.52]), (0.2, [0.7, 0.72])):
        world.whole(lr(rate), seeds, data_fingerprint=said)
    (sentence,) = variation_sentences(world.results)
    assert "that it is measured on 200 images leaves ±0.0676 open for others" in sentence
