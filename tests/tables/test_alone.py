"""A row is predicted the same alone as among others, whatever it is read from."""

import numpy as np
import pandas as pd
import pytest

from bpnet.tables import Preprocessing, TableModel

WORDS = ["1.10", "1.1", "True", "false", "1e3", "+5", "007", "beta"]


def table(rows=160):
    rng = np.random.default_rng(0)
    word = np.array(WORDS, dtype=object)[np.arange(rows) % len(WORDS)]
    number = rng.integers(0, 9, rows).astype(float)
    return pd.DataFrame({"word": word, "number": number, "y": word})


@pytest.fixture(scope="module")
def model():
    return TableModel.train(table(), "y", hidden=(8,), epochs=3, verbose=0, backend="numpy")


@pytest.mark.parametrize("ending", [".csv", ".tsv", ".csv.gz"])
def test_text_that_looks_like_numbers_is_not_read_as_numbers_where_it_stands_alone(tmp_path, model, ending):
    rows = table(len(WORDS))
    together = model.predict_proba(rows)
    assert len(np.unique(together, axis=0)) == len(WORDS)
    for i in range(len(WORDS)):
        path, row = tmp_path / f"row{ending}", rows.iloc[i : i + 1]
        row.to_csv(path, index=False, sep="\t" if ending == ".tsv" else ",")
        np.testing.assert_allclose(model.predict_proba(path), together[i : i + 1], rtol=1e-5)
        assert model.preprocessing.transform_target(path) == [sorted(WORDS).index(WORDS[i])]
        assert model.evaluate(path)["log_loss"] == pytest.approx(-np.log(together[i, sorted(WORDS).index(WORDS[i])]))


def test_a_column_of_objects_has_the_texts_of_a_column_of_their_type():
    mixed = [1.0, 2.5, True, "x"] * 10
    learned = Preprocessing.fit(pd.DataFrame({"mixed": pd.Series(mixed, dtype=object), "y": [0, 1] * 20}), "y")
    assert learned.columns[0].categories == ("1", "2.5", "true", "x")
    for value, place in ((1.0, 0), (2.5, 1), (True, 2), (1, 0)):
        assert learned.transform(pd.DataFrame({"mixed": [value]})).argmax() == place


@pytest.mark.parametrize("rows", [1, 9, 11, 40])
def test_zeros_before_numbers_do_not_matter_in_a_column_of_numbers(rows):
    learned = Preprocessing.fit({"n": [5, 7] * 20, "y": ["a", "b"] * 20}, "y")
    plain, padded = ({"n": [word] * rows} for word in ("7", "007"))
    np.testing.assert_array_equal(learned.transform(padded), learned.transform(plain))
