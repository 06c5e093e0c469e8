"""`python -m bpnet_benchmarks.sparse_memory [SOLVER]`: the most memory that a fit on a large sparse matrix takes.

10,000 samples of 20,000 features, a thousandth of them not 0: 1.6 GB if it were dense, 2.4 MB as it is.
"""

from __future__ import annotations

import resource
import sys
import warnings

import numpy as np
import scipy.sparse

SAMPLES, FEATURES, FILLED = 10_000, 20_000, 0.001


def peak() -> float:
    """The most memory that this process has had resident, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Fit, predict, and print the peaks."""
    from bpnet.sklearn import MLPClassifier

    rng, count = np.random.default_rng(0), int(SAMPLES * FEATURES * FILLED)
    places = rng.integers(SAMPLES, size=count), rng.integers(FEATURES, size=count)
    x = scipy.sparse.coo_array((rng.random(count), places), shape=(SAMPLES, FEATURES)).tocsr()
    y = np.asarray(x.sum(axis=1)).ravel() > FILLED * FEATURES / 2
    before = peak()
    warnings.simplefilter("ignore")
    solver = sys.argv[1] if len(sys.argv) > 1 else "adam"
    est = MLPClassifier(solver=solver, max_iter=2, random_state=0).fit(x, y)
    fitted = peak()
    est.predict(x)
    print(f"{solver}: {before:.0f} MB before, {fitted:.0f} MB after fit, {peak():.0f} MB after predict; of 1,000 MB")


if __name__ == "__main__":
    main()
