"""What becomes of columns: by formula, learned from the training part alone, the same from every library's frame."""

import json
import sys
from datetime import date

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from bpnet.tables import Preprocessing, TableError, TableModel

N = 40
SIZE = [float(i % 7) for i in range(N)]
COLOUR = ["red" if i % 3 else "blue" for i in range(N)]
LABEL = ["yes" if i % 2 else "no" for i in range(N)]


def fit(target="y", rows=None, task=None, **columns):
    return Preprocessing.fit({"y": LABEL, **columns}, target, rows=rows, task=task)


def test_numbers_are_scaled_by_the_training_parts_mean_deviation_and_median():
    rows = np.arange(10)
    size = [None if i == 3 else float(i * i) for i in range(N)]
    known = np.array([value for value in size[:10] if value is not None])
    filled = np.array([np.median(known) if value is None else value for value in size[:10]])
    learned = fit(rows=rows, size=size)
    x = learned.transform({"size": [2.0, None, 1e6]})
    at = lambda value: (value - filled.mean()) / known.std()  # noqa: E731
    np.testing.assert_allclose(x, [[at(2.0), 0], [at(np.median(known)), 1], [at(1e6), 0]], rtol=1e-12)


def test_categories_are_one_hot_in_alphabetical_order_and_what_is_unseen_is_zero_or_other():
    learned = fit(colour=COLOUR, size=SIZE)
    x = learned.transform({"size": [0.0] * 3, "colour": ["red", "blue", "green"]})
    np.testing.assert_array_equal(x[:, :2], [[0, 1], [1, 0], [0, 0]])
    many = ["a"] * 300 + ["b"] * 297 + ["c", "d", None]
    learned = Preprocessing.fit({"c": many, "y": ["u", "v"] * 300}, "y")
    x = learned.transform({"c": ["a", "b", "c", "new", None]})
    np.testing.assert_array_equal(x, [[0, 1, 0], [0, 0, 1], [1, 0, 0], [1, 0, 0], [1, 0, 0]])


def test_missing_is_a_category_of_its_own_where_there_are_enough():
    learned = fit(colour=[None if i % 4 == 0 else word for i, word in enumerate(COLOUR)])
    x = learned.transform({"colour": ["red", None, "?", "green"]})
    np.testing.assert_array_equal(x, [[0, 1, 0], [0, 0, 1], [0, 0, 1], [0, 0, 0]])


def test_many_categories_become_numbers_for_a_table():
    words = [f"w{i % 40:02}" for i in range(400)]
    learned = Preprocessing.fit({"w": words, "size": [1.0, 2.0] * 200, "y": ["u", "v", "v", "u"] * 100}, "y")
    x = learned.transform({"size": [1.0, 2.0, 1.0], "w": ["w00", "w39", "new"]})
    assert list(x) == ["numbers", "category w"]
    np.testing.assert_array_equal(x["category w"], [[1], [40], [0]])
    assert learned.embedded[0].dimension == 7  # √40 rounded up


def test_booleans_are_0_and_1():
    words, truth = ["Yes" if i % 3 else "no" for i in range(N)], [i % 3 > 0 for i in range(N)]
    learned = fit(a=words, b=truth, c=[None if i == 1 else value for i, value in enumerate(truth)])
    assert [column.kind for column in learned.columns] == ["boolean"] * 3
    x = learned.transform({"a": ["no", "YES"], "b": [False, True], "c": ["true", None]})
    np.testing.assert_array_equal(x, [[0, 0, 1, 0], [1, 1, 1, 1]])


def test_what_is_of_no_use_is_left_out_with_a_note():
    learned = fit(
        size=SIZE,
        empty=[None] * N,
        constant=[3.0] * N,
        word=["same"] * N,
        name=[f"person {i}" for i in range(N)],
        index=list(range(N)),
        lists=[[1, 2]] * N,
    )
    assert [column.name for column in learned.columns] == ["size"]
    for name in ("empty", "constant", "word", "name", "index", "lists"):
        assert sum(repr(name) in note for note in learned.notes) == 1, name
    with pytest.raises(TableError, match="no column is left"):
        fit(constant=[3.0] * N)


def test_a_few_words_among_numbers_are_missing_and_their_rows_are_named():
    size = [str(value) for value in SIZE]
    size[4], size[9] = "unknown", "many"
    learned = fit(size=size, colour=COLOUR)
    assert any("'unknown', 'many'" in note and "rows 5, 10 (lines 6, 11" in note for note in learned.notes)
    assert learned.columns[0].kind == "number"
    assert learned.columns[0].indicator
    with pytest.raises(TableError, match=r"'size'.*category.*expected a number"):
        learned.transform({"size": ["big"] * 20, "colour": ["red"] * 20})
    half = [str(i) if i % 2 else COLOUR[i] for i in range(30)] + ["1"] * 10
    learned = fit(mixed=half)
    assert learned.columns[0].kind == "category"
    assert any("'mixed'" in note and "read as categories" in note for note in learned.notes)


def test_codes_stay_categories_and_dates_become_days():
    learned = fit(code=["007" if i % 2 else "12" for i in range(N)], day=[date(2024, 1, 1 + i % 28) for i in range(N)])
    text = fit(code=["007"] * 20 + ["12"] * 20, day=[f"2024-01-{1 + i % 28:02}" for i in range(N)])
    assert [column.kind for column in learned.columns] == ["category", "number"] == [c.kind for c in text.columns]
    x = learned.transform({"code": [12, 7], "day": [date(1970, 1, 2), date(1970, 1, 3)]})
    np.testing.assert_array_equal(x[:, :2], [[0, 1], [0, 0]])
    np.testing.assert_allclose(np.diff(x[:, 2]), 1 / learned.columns[1].std, rtol=1e-9)
    np.testing.assert_allclose(learned.columns[1].mean, text.columns[1].mean, rtol=1e-12)


def frames():
    data = {"size": SIZE, "colour": COLOUR, "ok": [i % 5 > 1 for i in range(N)], "y": LABEL}
    gaps = {**data, "size": [None, *SIZE[1:]], "colour": [*COLOUR[:-1], None]}
    yield "dictionary", gaps
    yield "pandas", pd.DataFrame(gaps)
    yield "pandas categorical", pd.DataFrame(gaps).astype({"colour": "category", "size": "Float32"})
    yield "pandas objects", pd.DataFrame(gaps).astype(object)
    yield "polars", pl.DataFrame(gaps)
    yield "polars categorical", pl.DataFrame(gaps).with_columns(pl.col("colour").cast(pl.Categorical))
    yield "pyarrow", pa.table(gaps)
    yield "strings", {name: [None if v is None else str(v) for v in values] for name, values in gaps.items()}


@pytest.mark.parametrize(("name", "frame"), list(frames()), ids=lambda value: value if isinstance(value, str) else "")
def test_every_library_gives_the_same(name, frame):
    first = next(frames())[1]
    learned, expected = Preprocessing.fit(frame, "y"), Preprocessing.fit(first, "y")
    assert learned.facts() == expected.facts()
    np.testing.assert_array_equal(learned.transform(frame), expected.transform(first))
    np.testing.assert_array_equal(expected.transform(frame), expected.transform(first))


def test_columns_may_come_in_another_order_with_others_but_none_may_be_missing():
    learned = fit(size=SIZE, colour=COLOUR)
    x = learned.transform({"size": [1.0], "colour": ["red"]})
    np.testing.assert_array_equal(learned.transform({"new": [0], "colour": ["red"], "size": [1.0]}), x)
    with pytest.raises(TableError, match=r"'size'.* missing"):
        learned.transform({"colour": ["red"]})


def test_facts_are_json_and_give_the_same_preprocessing():
    words = [f"w{i % 40:02}" for i in range(400)]
    data = {"w": words, "size": [1.0, None] * 200, "c": ["u", None, "v", "u"] * 100, "y": [0.1 * i for i in range(400)]}
    learned = Preprocessing.fit(data, "y")
    again = Preprocessing.of(json.loads(json.dumps(learned.facts())))
    assert again == learned
    for name, array in learned.transform(data).items():
        np.testing.assert_array_equal(again.transform(data)[name], array)
    assert again.describe() == learned.describe()


def test_the_description_has_rows_kinds_missing_values_and_the_targets_spread():
    text = fit(size=[None, *SIZE[1:]], colour=COLOUR, ok=[True, False] * 20).describe()
    for words in ("40 rows", "number", "1 missing (2.5%)", "blue, red", "boolean", "binary", "yes: 20 rows (50.0%)"):
        assert words in text, words
    text = Preprocessing.fit({"a": SIZE, "y": [0.5 * i for i in range(N)]}, "y").describe()
    assert "median 9.75" in text


def test_columns_may_be_called_anything():
    words, y = [f"w{i % 40}" for i in range(400)], [i % 13 + 0.5 * i for i in range(400)]
    data = {"numbers": words, "category w": words, "w": words, "": y, "y": y}
    model = TableModel.train(data, "y", epochs=1, hidden=(), verbose=0, backend="numpy")
    assert model.predict(data).shape == (400,)
    assert set(model.preprocessing.transform(data)) == {
        "numbers",
        "category numbers",
        "category category w",
        "category w",
    }


def test_without_the_extra_it_is_said_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "narwhals", None)
    with pytest.raises(ImportError, match=r'narwhals.*Mend: pip install "\.\[tables\]"'):
        Preprocessing.fit({"y": LABEL}, "y")


def test_what_is_no_table():
    with pytest.raises(TableError, match="list"):
        Preprocessing.fit([1, 2], "y")
    with pytest.raises(TableError, match=r"\(3,\)"):
        Preprocessing.fit(np.arange(3), "y")
    with pytest.raises(TableError, match="same name"):
        Preprocessing.fit(pd.DataFrame([[1, 2], [3, 4]], columns=["a", "a"]), "a")
