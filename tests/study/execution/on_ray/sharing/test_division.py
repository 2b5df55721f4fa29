"""How a cluster is divided: what holds for every cluster and all claims, and a few by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from study.execution.on_ray.sharing.division import Claim, Parts, divide, dominant_part

FOUR = {"a": {"CPU": 2.0}, "b": {"CPU": 1.0}, "c": {"CPU": 1.0}}


def claim(study: str, share: float = 1.0, wanted: int = 100, **more: Any) -> Claim:
    return Claim(study, share, more.pop("needs", {"CPU": 1.0}), wanted, **more)


def counts(parts: Parts) -> dict[str, int]:
    return {study: own.total() for study, own in parts.items()}


@pytest.mark.parametrize(
    ("shares", "slots", "expected"),
    [
        ((1, 1, 2), 4, (1, 1, 2)),
        ((1, 1, 2), 8, (2, 2, 4)),
        ((1, 1), 2, (1, 1)),
        ((1, 3), 8, (2, 6)),
        ((1, 0), 8, (8, 0)),
        ((0, 0), 4, (2, 2)),
        ((0.5, 1.5), 4, (1, 3)),
    ],
)
def test_a_cluster_is_divided_by_weight(
    shares: tuple[float, ...], slots: int, expected: tuple[int, ...]
) -> None:
    claims = [claim(str(number), share) for number, share in enumerate(shares)]
    assert tuple(counts(divide({"n": {"CPU": slots}}, claims)).values()) == expected


def test_who_wants_less_than_its_part_lends_the_rest() -> None:
    parts = divide({"n": {"CPU": 12}}, [claim("few", 2, wanted=1), claim("a", 1), claim("b", 0)])
    assert counts(parts) == {"few": 1, "a": 11, "b": 0}
    lent = divide({"n": {"CPU": 12}}, [claim("few", 2, 1), claim("a", 1, 3), claim("b", 0)])
    assert counts(lent) == {"few": 1, "a": 3, "b": 8}


def test_shares_are_of_the_resource_of_which_a_study_takes_most() -> None:
    """The example of the paper: 9 CPUs and 18 GB between (1, 4) and (3, 1)."""
    nodes = {"n": {"CPU": 9.0, "memory": 18.0}}
    a = claim("a", needs={"CPU": 1.0, "memory": 4.0})
    b = claim("b", needs={"CPU": 3.0, "memory": 1.0})
    assert counts(divide(nodes, [a, b])) == {"a": 3, "b": 2}


def test_a_trial_that_needs_no_gpu_leaves_nodes_with_gpus_to_those_that_do() -> None:
    nodes = {"gpu": {"CPU": 4.0, "GPU": 2.0}, "cpu": {"CPU": 4.0}}
    parts = divide(nodes, [claim("c", wanted=4), claim("g", needs={"CPU": 2.0, "GPU": 1.0})])
    assert parts == {"c": {"cpu": 4}, "g": {"gpu": 2}}


def test_a_share_of_a_gpu_lies_on_one_of_them() -> None:
    nodes = {"n": {"CPU": 8.0, "GPU": 2.0}}
    parts = divide(nodes, [claim("a", needs={"CPU": 1.0, "GPU": 0.6})])
    assert counts(parts) == {"a": 2}
    third = divide(nodes, [claim("a", needs={"CPU": 1.0, "GPU": 1 / 3})])
    assert counts(third) == {"a": 6}


def test_trials_stay_where_they_run_unless_another_study_would_have_less_by_that() -> None:
    held = {"b": 1, "c": 1}
    parts = divide(FOUR, [claim("y"), claim("x", held=held)])
    assert parts["x"] == held
    nodes = {"gpu": {"CPU": 1.0, "GPU": 1.0}, "cpu": {"CPU": 1.0}}
    moved = divide(
        nodes,
        [claim("x", wanted=1, held={"gpu": 1}), claim("g", needs={"CPU": 1.0, "GPU": 1.0})],
    )
    assert moved == {"x": {"cpu": 1}, "g": {"gpu": 1}}


def test_who_has_had_too_much_makes_room_for_who_had_least() -> None:
    one = {"n": {"CPU": 1.0}}
    holder, other = claim("a", held={"n": 1}), claim("b")
    assert counts(divide(one, [holder, other])) == {"a": 1, "b": 0}
    late = claim("a", held={"n": 1}, lag=0.3)
    assert counts(divide(one, [late, other])) == {"a": 0, "b": 1}


def test_what_the_cluster_has_nothing_of_gets_no_room() -> None:
    assert counts(divide(FOUR, [claim("g", needs={"GPU": 1.0}), claim("a")])) == {"g": 0, "a": 4}
    assert dominant_part({"GPU": 1.0}, FOUR.values()) == float("inf")
    assert divide({}, [claim("a")]) == {"a": {}}


amounts = st.sampled_from([0.25, 0.5, 1.0, 2.0, 4.0])
resources = st.dictionaries(st.sampled_from(["CPU", "GPU", "tpu"]), st.integers(0, 6).map(float))
clusters = st.dictionaries(st.sampled_from("abcdef"), resources, max_size=6)
needs = st.fixed_dictionaries(
    {"CPU": amounts},
    optional={"GPU": st.sampled_from([0.25, 0.5, 1.0]), "tpu": amounts},
)
some_claims = st.lists(
    st.builds(
        claim,
        st.uuids().map(str),
        st.sampled_from([0.0, 0.5, 1.0, 2.0, 7.0]),
        st.integers(0, 20),
        needs=needs,
        held=st.dictionaries(st.sampled_from("abcdefx"), st.integers(0, 3), max_size=3),
    ),
    max_size=6,
)


def fits(nodes: dict[str, dict[str, float]], claims: Sequence[Claim], parts: Parts) -> bool:
    """Whether the nodes have what is given out, each by the sum of every resource."""
    for node, found in nodes.items():
        for name in {name for one in claims for name in one.needs}:
            used = sum(parts[one.study][node] * one.needs.get(name, 0.0) for one in claims)
            if used > found.get(name, 0.0) + 1e-6:
                return False
    return all(set(own) <= set(nodes) for own in parts.values())


@settings(max_examples=100, deadline=None)
@given(clusters, some_claims)
def test_nobody_gets_more_than_there_is_or_than_it_wants(
    nodes: dict[str, dict[str, float]], claims: list[Claim]
) -> None:
    parts = divide(nodes, claims)
    assert fits(nodes, claims, parts)
    assert all(parts[one.study].total() <= one.wanted for one in claims)
    assert divide(nodes, claims) == parts, "it is a function of its arguments"


@settings(max_examples=100, deadline=None)
@given(clusters, some_claims)
def test_nothing_lies_idle_that_somebody_wants_and_that_fits(
    nodes: dict[str, dict[str, float]], claims: list[Claim]
) -> None:
    parts = divide(nodes, claims)
    for one in claims:
        if parts[one.study].total() == one.wanted or "GPU" in one.needs:
            continue  # of GPUs' shares pieces may be left, each too small
        for node in nodes:
            more = {study: own.copy() for study, own in parts.items()}
            more[one.study][node] += 1
            assert not fits(nodes, claims, more)


@settings(max_examples=100, deadline=None)
@given(
    st.integers(1, 60),
    st.lists(st.sampled_from([0.5, 1.0, 2.0, 3.0, 7.0]), min_size=1, max_size=6),
)
def test_of_trials_that_are_alike_each_gets_its_part_to_within_one_for_each_rival(
    slots: int, shares: list[float]
) -> None:
    claims = [claim(str(number), share) for number, share in enumerate(shares)]
    given_out = counts(divide({"n": {"CPU": float(slots)}}, claims))
    assert sum(given_out.values()) == slots
    for one in claims:
        due = slots * one.share / sum(shares)
        assert abs(given_out[one.study] - due) <= max(1.0, 0.5 * len(shares))


@settings(max_examples=100, deadline=None)
@given(clusters, some_claims, st.integers(0, 5))
def test_a_larger_share_never_gives_less(
    nodes: dict[str, dict[str, float]], claims: list[Claim], number: int
) -> None:
    alike = [claim(one.study, one.share, one.wanted) for one in claims]
    if not alike:
        return
    one = alike[number % len(alike)]
    more = [claim(c.study, c.share * (2 if c is one else 1), c.wanted) for c in alike]
    before = divide(nodes, alike)[one.study].total()
    assert divide(nodes, more)[one.study].total() >= before
