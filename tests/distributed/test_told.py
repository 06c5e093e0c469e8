"""What MPI's watch has to tell is told, although the command has put a silent rank's standard error away."""

import io
from contextlib import redirect_stderr

from bpnet.distributed.over_mpi import OverMPI


def test_the_reason_of_a_hang_is_printed_on_a_rank_that_is_silent(capfd, monkeypatch):
    ended = []
    monkeypatch.setattr(OverMPI, "abandon", lambda self, code: ended.append(code))
    communicator = OverMPI.__new__(OverMPI)
    with redirect_stderr(io.StringIO()) as nowhere:
        communicator._lost("rank 0 does not answer")
        communicator._lost(None)
    assert capfd.readouterr().err == "Error: rank 0 does not answer\n"
    assert (nowhere.getvalue(), ended) == ("", [1, 1])
