"""The cost model of training in several processes: known cases and limits."""

import pytest

from bpnet_benchmarks.ranks.cost import (
    Link,
    Work,
    efficiency,
    exposed,
    fitted,
    most_ranks,
    overlapped,
    ring,
    step,
    tree,
    two_levels,
)

LINK = Link(1e-3, 1e-8)
WORK = Work(fixed=1e-3, per_sample=1e-4, update=2e-3, size=4e5)


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        (ring, 6 * 1e-3 + 1.5 * 4e5 * 1e-8),  # 2 · 3 messages, each process sends 2 · 3/4 of the bytes
        (tree, 4 * 1e-3 + 2 * 4e5 * 1e-8),  # twice up and twice down
    ],
)
def test_a_reduction_over_four(how, expected):
    assert how(LINK, 4, 4e5) == pytest.approx(expected, rel=1e-12)
    assert how(Link(1e-3, 1e-8, start=0.5), 4, 4e5) == pytest.approx(expected + 0.5, rel=1e-12)


@pytest.mark.parametrize("how", [ring, tree, two_levels(LINK, LINK, 8)])
def test_one_process_sends_nothing(how):
    assert how(Link(1.0, 1.0, 1.0), 1, 1e9) == 0


def test_the_bytes_of_a_ring_are_bounded_and_the_messages_of_a_tree_are_few():
    assert ring(Link(0.0, 1e-8), 10**6, 4e5) == pytest.approx(2 * 4e5 * 1e-8, rel=1e-5)
    assert tree(Link(1.0, 0.0), 1024, 4e5) == 20
    assert tree(Link(1.0, 0.0), 1025, 4e5) == 22


def test_two_levels_are_a_ring_inside_and_an_eighth_of_the_bytes_between():
    inside, between = Link(1e-6, 1e-11), Link(1e-5, 1e-10)
    how = two_levels(inside, between, 8)
    assert how(inside, 8, 8e6) == ring(inside, 8, 8e6)
    assert how(inside, 4, 8e6) == ring(inside, 4, 8e6)
    assert how(inside, 1024, 8e6) == pytest.approx(ring(inside, 8, 8e6) + tree(between, 128, 1e6), rel=1e-12)
    assert how(inside, 16, 8e8) == pytest.approx(ring(inside, 8, 8e8) + ring(between, 2, 1e8), rel=1e-12)


def test_a_step_is_compute_reduction_and_update():
    assert step(WORK, LINK, 1, 64) == pytest.approx(1e-3 + 64e-4 + 2e-3)
    assert step(WORK, LINK, 4, 66) == pytest.approx(1e-3 + 17e-4 + 2e-3 + ring(LINK, 4, 4e5))  # the largest share
    shared = step(WORK, LINK, 4, 64, cores=2)
    assert shared == pytest.approx(2 * (1e-3 + 16e-4 + 2e-3) + ring(LINK, 4, 4e5))


def test_what_backward_hides():
    assert exposed(10.0, [(1.0, 4.0)]) == 4.0  # one slice is ready when all is done
    assert exposed(10.0, [(0.5, 4.0), (1.0, 1.0)]) == 1.0  # the first is hidden
    assert exposed(10.0, [(0.5, 7.0), (1.0, 1.0)]) == 3.0  # and here is not quite: 5 + 7 + 1 - 10
    assert exposed(0.0, [(0.5, 7.0), (1.0, 1.0)]) == 8.0


def test_overlap_is_never_slower_on_a_link_without_latency_and_exposes_the_last_slice():
    link = Link(0.0, 1e-8)
    plain, beside = step(WORK, link, 4, 4096), overlapped(WORK, link, 4, 4096, slices=4)
    assert plain - beside == pytest.approx(ring(link, 4, 4e5) * 3 / 4, rel=1e-9)
    assert overlapped(WORK, LINK, 4, 4096, slices=1) == pytest.approx(step(WORK, LINK, 4, 4096))


def test_efficiency_falls_with_processes_and_rises_with_the_batch():
    found = [efficiency(WORK, LINK, ranks, 4096) for ranks in (1, 2, 4, 8, 64)]
    assert found == sorted(found, reverse=True)
    assert found[0] == 1
    assert efficiency(WORK, LINK, 8, 65_536) > found[3]
    assert efficiency(Work(0.0, 1e-4, 0.0, 0.0), Link(0.0, 0.0), 64, 4096) == pytest.approx(1)


def test_where_it_stops():
    found = most_ranks(WORK, LINK, 4096)
    assert efficiency(WORK, LINK, found, 4096) >= 0.5 > efficiency(WORK, LINK, 2 * found, 4096)
    assert most_ranks(WORK, Link(10.0, 1.0), 4096) == 1
    assert most_ranks(Work(0.0, 1e-4, 0.0, 0.0), Link(0.0, 0.0), 4096) == 4096  # a sample each


@pytest.mark.parametrize("ranks", [2, 4])
def test_a_link_is_found_from_its_reductions(ranks):
    sizes = [8, 4e3, 4e5, 4e6]
    found = fitted(ranks, sizes, [ring(LINK, ranks, size) for size in sizes])
    assert (found.alpha, found.beta) == pytest.approx((LINK.alpha, LINK.beta), rel=1e-9)
    assert fitted(ranks, sizes, [1e-3 + 1e-12 / size for size in sizes]).beta == pytest.approx(0, abs=1e-15)
