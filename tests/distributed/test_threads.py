"""The communicator of the other tests, and what the ranks agree on."""

import numpy as np
import pytest

from bpnet.distributed import agreement
from bpnet.distributed.agreement import DisagreementError, RankError, agree, fail_together, has_agreed
from bpnet.training.communicator import Communicator, LostPeerError, ToldElsewhere
from threads import on_ranks


@pytest.fixture(autouse=True)
def _no_grace(monkeypatch):
    monkeypatch.setattr(agreement, "GRACE", 0.0)


def test_the_sum_has_the_same_bits_everywhere():
    def work(communicator):
        assert isinstance(communicator, Communicator)
        vector = np.random.default_rng(communicator.rank).normal(size=1000)
        communicator.begin_all_reduce(vector).wait()
        return vector

    first, *others = on_ranks(3, work)
    assert all((first == other).all() for other in others)
    assert np.allclose(first, sum(np.random.default_rng(rank).normal(size=1000) for rank in range(3)), rtol=1e-14)


def test_a_rank_that_fails_ends_the_others():
    def work(communicator):
        if communicator.rank == 1:
            raise KeyError("mine")
        with pytest.raises(LostPeerError):
            communicator.barrier()

    with pytest.raises(KeyError, match="mine"):
        on_ranks(2, work)


def outcomes(size, facts_of):
    def work(communicator):
        try:
            facts_of(communicator)
        except (DisagreementError, RankError) as error:
            return error
        except ToldElsewhere as error:
            return error.code
        return has_agreed(communicator)

    return on_ranks(size, work)


def test_ranks_that_agree_go_on():
    assert outcomes(3, lambda c: agree(c, {"seed": 0, "data": "ab"})) == [True, True, True]


def test_what_differs_is_named_once_by_rank_0_with_the_mend():
    first, *others = outcomes(4, lambda c: agree(c, {"seed": 0, "data": "cd" if c.rank == 2 else "ab"}))
    assert isinstance(first, DisagreementError)
    assert 'data: "ab" on ranks 0, 1, 3, "cd" on rank 2' in str(first)
    assert "seed" not in str(first)
    assert "Mend: give every rank the whole data set" in str(first)
    assert others == [2, 2, 2]


def test_another_version_is_named(monkeypatch):
    mine = agreement.versions()
    monkeypatch.setattr(agreement, "versions", lambda: {})
    first, _ = outcomes(2, lambda c: agree(c, mine | ({"numpy": "1.0"} if c.rank else {})))
    assert "numpy: " in str(first)
    assert '"1.0" on rank 1' in str(first)
    assert "install the same versions" in str(first)


def test_an_error_of_one_rank_is_told_by_rank_0():
    def work(communicator):
        if communicator.rank == 2:
            fail_together(communicator, "no such file: 'a.csv'", 2)
        agree(communicator, {"seed": 0})

    first, *others = outcomes(3, work)
    assert isinstance(first, RankError)
    assert (str(first), first.code) == ("rank 2: no such file: 'a.csv'", 2)
    assert others == [2, 2]


def test_the_same_error_of_all_ranks_is_told_without_them():
    first, _ = outcomes(2, lambda c: fail_together(c, "no such file", 2))
    assert str(first) == "no such file"
