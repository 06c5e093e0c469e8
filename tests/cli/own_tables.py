"""A small table, and the command that is run on it."""

import csv

import numpy as np
from click.testing import CliRunner

from bpnet.cli import main

QUICK = ["--hidden", "8", "--epochs", "5", "--lr", "0.01", "--no-plot"]


def bpnet(*arguments):
    return CliRunner().invoke(main, [str(each) for each in arguments], env={"BPNET_BACKEND": "numpy"})


def rows(count=120, seed=0):
    draw = np.random.default_rng(seed)
    a, group = draw.normal(size=count), draw.choice(["p", "q", "r"], count)
    price = 3 * a + (group == "q") + 10
    return [{"a": f"{x:.6f}", "group": g, "price": f"{y:.6f}", "kind": "big" if y > 10 else "small"}
            for x, g, y in zip(a, group, price, strict=True)]  # fmt: skip


def write(path, found, names=None):
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names or list(found[0]), extrasaction="ignore")
        writer.writeheader()
        writer.writerows(found)
    return path
