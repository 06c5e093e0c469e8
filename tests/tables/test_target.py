"""Which task a target makes, how it becomes numbers and back, and what it may not be."""

import numpy as np
import pytest

from bpnet.tables import Preprocessing, TableError
from bpnet.tables.target import Target, fit

N = 60
X = [float(i % 7) for i in range(N)]


def learned(y, task=None, target="y"):
    return Preprocessing.fit({"x": X[: len(y)], "y": y}, target, task=task)


@pytest.mark.parametrize(
    ("y", "task", "classes"),
    [
        (["a", "b", "c"] * 20, "multi-class", ("a", "b", "c")),
        (["b", "a"] * 30, "binary", ("a", "b")),
        ([True, False] * 30, "binary", (False, True)),
        (["yes", "No"] * 30, "binary", ("No", "yes")),
        ([0, 1] * 30, "binary", (0, 1)),
        ([1.0, 2.0, 3.0] * 20, "multi-class", (1, 2, 3)),
        ([0.5, 1.0, 1.5] * 20, "regression", ()),
        (list(range(12)) * 5, "regression", ()),
        (list(range(10)) * 6, "multi-class", tuple(range(10))),
        (list(range(10)) * 4, "regression", ()),
        (["1", "2", "3.5"] * 20, "regression", ()),
        ([2**53, 2**53 + 1] * 30, "binary", (2**53, 2**53 + 1)),
    ],
)
def test_the_task_that_a_target_makes(y, task, classes):
    target = learned(y).target
    assert (target.task, target.classes) == (task, classes)


def test_a_stated_task_counts():
    assert learned([0, 1] * 30, "regression").target.task == "regression"
    assert learned(list(range(20)) * 3, "classification").target.task == "multi-class"
    assert learned([0, 1] * 30, "multi-class").target.task == "multi-class"
    with pytest.raises(TableError, match="3 classes"):
        learned([0, 1, 2] * 20, "binary")
    with pytest.raises(TableError, match="'sort'"):
        learned([0, 1, 2] * 20, "sort")
    with pytest.raises(TableError, match=r"2 words|60 words"):
        learned(["a", "b"] * 30, "regression")


def test_classes_become_numbers_and_back_with_their_own_types():
    for y in (["b", "a"] * 30, [True, False] * 30, [3, 1, 2] * 20):
        made = learned(y)
        labels = made.transform_target({"y": y})
        outputs = np.eye(len(made.target.classes))[labels]
        outputs = outputs[:, 1:] if made.target.task == "binary" else outputs
        assert made.target.decode(outputs).tolist() == y
    with pytest.raises(TableError, match=r"'c'.*row 2.*a, b"):
        learned(["b", "a"] * 30).transform_target({"y": ["a", "c"]})
    assert learned([True, False] * 30).transform_target({"y": ["true", "False"]}).tolist() == [1, 0]


def test_numbers_are_scaled_and_come_back_in_their_own_unit():
    y = np.exp(np.linspace(0, 5, N))
    for log in (False, True):
        target = fit(Target("y", "regression"), y, log)
        scaled = target.scaled(y)
        np.testing.assert_allclose([scaled.mean(), scaled.std()], [0, 1], atol=1e-12)
        np.testing.assert_allclose(target.decode(scaled[:, None]), y, rtol=1e-12)
    width = 5.0
    np.testing.assert_allclose(np.log(target.decode(np.array([[99.0], [-99.0]]))), [5 + 0.1 * width, -0.1 * width])
    with pytest.raises(TableError, match="row 2"):
        target.scaled(np.array([1.0, 0.0]))


@pytest.mark.parametrize(
    ("y", "words"),
    [
        (["a"] * N, ["class 'a'", "two classes"]),
        ([2.5] * N, ["2.5", "in every row|two classes"]),
        ([None] * N, ["all values are missing"]),
        (["a", None, "b"] * 20, ["missing in 20 of 60", "row"]),
        ([0.5, None, 1.5, 7.25] * 15, ["missing in 15 of 60", "rows 2, 6"]),
        ([*map(str, range(59)), "many"], ["'many'", "row 60"]),
        ([f"name {i}" for i in range(N)], ["60 different values", "classes"]),
        ([1.0, float("inf")] * 30, ["infinite", "rows 2, 4"]),
    ],
)
def test_what_a_target_may_not_be(y, words):
    with pytest.raises(TableError, match="'y'") as error:
        learned(y)
    for word in words:
        assert any(one in str(error.value) for one in word.split("|")), f"{word!r} is not in: {error.value}"


def test_a_target_that_is_not_there_is_told_the_nearest():
    with pytest.raises(TableError, match=r"'Prise'.*Did you mean 'price'.*size, price"):
        Preprocessing.fit({"size": X, "price": X}, "Prise")
    data = np.column_stack([X, np.arange(N)])
    assert Preprocessing.fit(data, 1).target.name == "1" == Preprocessing.fit(data, -1).target.name


def test_words_that_differ_in_case_alone_are_two_classes():
    words = ["True", "true", "x"] * 20
    preprocessing = learned(words)
    labels = preprocessing.transform_target({"y": words})
    assert [preprocessing.target.classes[label] for label in labels] == words
