"""A file that is read in parts: each row once an epoch, an order that repeats, statistics of all rows, a good model."""

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from bpnet import Dense, Input, Sequential
from bpnet.data.flow import Flow
from bpnet.tables import Preprocessing, TableError, TableModel, sources, statistics, stream_training
from bpnet.tables import flow as flows
from bpnet.tables.flow import TableFlow
from bpnet.tables.sources import source_of
from bpnet.tables.statistics import HeldOutRows, survey_file
from bpnet.tables.stream_preprocessing import preprocessing_of


def table(rows=1000, seed=0):
    rng = np.random.default_rng(seed)
    size, word = rng.normal(3, 2, rows), rng.integers(0, 40, rows)
    code = np.array(["1", "2", "3.5"])[rng.integers(0, 3, rows)]
    gap = rng.uniform(size=rows) < 0.1
    label = np.where(size + 0.1 * word + rng.normal(0, 0.3, rows) > 5, "high", "low")
    columns = {"size": np.where(gap, np.nan, size), "word": [f"w{w:02}" for w in word], "code": code, "number": word}
    columns |= {"ok": size > 2, "yes": np.where(word > 20, "Yes", "no"), "gone": [None] * rows, "same": [1] * rows}
    return pa.table({**columns, "y": label})


@pytest.fixture
def path(tmp_path, monkeypatch):
    """Row groups of 170 rows, which are read 100 at a time, in windows of 300 rows."""
    monkeypatch.setattr(sources, "CHUNK", 100)
    monkeypatch.setattr(flows, "WINDOW", 300)
    parquet.write_table(table(), tmp_path / "a.parquet", row_group_size=170)
    return tmp_path / "a.parquet"


def looked_at(path, target="y", share=0.2, seed=0, task=None):
    source = source_of(path)
    split = HeldOutRows(source, share, seed)
    found = survey_file(source, target, split, show=False)
    return source, split, found, preprocessing_of(found, target, task)


def flow_of(path, **how):
    source, split, found, preprocessing = looked_at(path, **how)
    return TableFlow(source, split, found.rows, preprocessing, 32, "float64"), found, preprocessing


def assert_close(ours, theirs):
    """Equal, but for the order of sums in floats."""
    assert ours.keys() == theirs.keys()
    for name, value in theirs.items():
        assert ours[name] == (pytest.approx(value, rel=1e-12) if isinstance(value, float) else value), name


def test_statistics_of_parts_are_those_of_the_whole(path):
    for target in ("y", "size", "number"):
        given = table()
        if target == "size":
            given = given.filter(pa.compute.is_finite(given["size"]))
        parquet.write_table(given, path, row_group_size=170)
        _, _, _, learned = looked_at(path, target, share=0.0)
        expected = Preprocessing.fit(given, target)
        assert [column.name for column in learned.columns] == [column.name for column in expected.columns]
        for ours, theirs in zip(learned.columns, expected.columns, strict=True):
            assert_close(ours.facts(), theirs.facts())
        assert_close(learned.target.facts(), expected.target.facts())
        assert sorted(learned.notes) == sorted(expected.notes)
        assert learned.summary == expected.summary


def test_an_epoch_has_each_row_that_is_not_held_out_once_in_an_order_that_repeats(path):
    flow, found, preprocessing = flow_of(path)
    assert isinstance(flow, Flow)
    assert found.rows + len(found.held_out) == 1000
    assert 140 < len(found.held_out) < 260  # 200 ± 4.7 deviations
    batches = list(flow.epoch(3, flow.rows))
    assert [len(y) for _, y, _ in batches[:-1]] == [32] * (len(batches) - 1)
    assert sum(len(y) for _, y, _ in batches) == found.rows
    rows = np.concatenate([np.concatenate([*x, y[:, None]], axis=1) for x, y, _ in batches])
    whole = preprocessing.transform(table())
    every = np.concatenate([*whole.values(), preprocessing.transform_target(table())[:, None]], axis=1)
    out = preprocessing.transform(found.held_out)["numbers"]
    given = {row.tobytes() for row in rows}
    assert given <= {row.tobytes() for row in np.ascontiguousarray(every)}
    sizes = whole["numbers"][:, 0]
    assert sorted([*rows[:, 0], *out[:, 0]]) == sorted(sizes)
    again = np.concatenate([x[0] for x, _, _ in flow_of(path)[0].epoch(3, flow.rows)])
    np.testing.assert_array_equal(again, rows[:, : again.shape[1]])
    other = np.concatenate([x[0] for x, _, _ in flow.epoch(4, flow.rows)])
    assert (other != again).any()
    place = {size: number for number, size in enumerate(sizes)}
    order = np.array([place[size] for size in rows[:, 0] if list(sizes).count(size) == 1])
    assert abs(np.corrcoef(order, np.arange(len(order)))[0, 1]) < 0.9  # blocks come in another order
    assert (np.diff(order) == 1).mean() < 0.05  # neighbours are parted


def test_an_epoch_may_be_longer_or_shorter_than_a_pass(path):
    flow = flow_of(path)[0]
    for length in (10, 100, 2 * flow.rows + 5):
        assert sum(len(y) for _, y, _ in flow.epoch(0, length)) == length


def test_npy_is_read_in_blocks_that_are_the_rows(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "CHUNK", 64)
    for dtype in ("float32", "float64", "int16", ">f4"):
        array = (np.random.default_rng(1).normal(size=(150, 3)) * 50).astype(dtype)
        np.save(tmp_path / "a.npy", array)
        source = source_of(tmp_path / "a.npy")
        assert source.blocks == [64, 64, 22]
        read = pa.concat_tables([chunk for block in range(3) for chunk in source.chunks(block)])
        np.testing.assert_array_equal(np.column_stack([column.to_numpy() for column in read.columns]), array)
    np.save(tmp_path / "a.npy", np.asfortranarray(array))
    with pytest.raises(TableError, match=r"Fortran.*ascontiguousarray"):
        source_of(tmp_path / "a.npy")


@pytest.mark.parametrize("target", ["y", "size"])
def test_what_is_learned_in_parts_is_as_good(path, target):
    """For "size" 0.98 of the spread is in the class and the words; both ways see the same kinds of rows."""
    if target == "size":
        parquet.write_table(table().filter(pa.compute.is_finite(table()["size"])), path, row_group_size=170)
    settings = {"epochs": 4, "hidden": (32,), "learning_rate": 0.03, "verbose": 0, "backend": "numpy"}
    scores = []
    for stream in (True, False):
        model = TableModel.train(path, target, stream=stream, **settings)
        figures = model.evaluate(table(400, seed=9).filter(pa.compute.is_finite(table(400, seed=9)["size"])))
        scores.append(figures.get("accuracy", figures.get("r2")))
    assert scores[0] > scores[1] - 0.05
    assert scores[0] > 0.6


def test_a_run_in_parts_repeats_and_weighs_classes(path):
    settings = {
        "epochs": 2,
        "hidden": (4,),
        "stream": True,
        "verbose": 0,
        "backend": "numpy",
        "class_weight": "balanced",
    }
    a, b = (TableModel.train(path, "y", **settings) for _ in range(2))
    for ours, theirs in zip(a.model.get_weights(), b.model.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert a.history.history.keys() == {"loss", "accuracy", "val_loss", "val_accuracy"}
    unweighted = TableModel.train(path, "y", **{**settings, "class_weight": None})
    assert unweighted.history.history["loss"] != a.history.history["loss"]


def test_a_file_that_is_too_large_is_predicted_in_parts(path, monkeypatch):
    model = TableModel.train(path, "y", epochs=1, hidden=(4,), verbose=0, backend="numpy", dtype="float64")
    frame = table()
    whole, figures = model.predict_proba(frame), model.evaluate(frame)
    monkeypatch.setattr(stream_training, "is_too_large", lambda data, share: data is path)
    np.testing.assert_allclose(model.predict_proba(path), whole, rtol=1e-12)
    assert model.predict(path).tolist() == model.predict(frame).tolist()
    in_parts = model.evaluate(path)
    assert in_parts.pop("confusion_matrix") == figures.pop("confusion_matrix")
    assert in_parts == pytest.approx(figures, rel=1e-12)


def test_only_a_file_that_takes_much_of_the_memory_is_too_large(path, monkeypatch):
    assert not stream_training.is_too_large(path)
    monkeypatch.setattr(stream_training, "SMALL", 0)
    assert not stream_training.is_too_large(path)
    monkeypatch.setattr(stream_training, "free_memory", lambda backend: 5 * 8 * 1000 * 8)
    assert stream_training.is_too_large(path)
    assert not stream_training.is_too_large(table())


def test_fit_names_what_a_flow_has_itself(path):
    flow = flow_of(path)[0]
    model = Sequential([Input((3,)), Dense(1, "sigmoid")], backend="numpy")
    model.compile("adam", "binary_crossentropy")
    for name, value in {"y": [1], "batch_size": 3, "class_weight": {0: 1.0}, "data_on": "device"}.items():
        with pytest.raises(ValueError, match=name):
            model.fit(flow, **{name: value})


def test_what_cannot_be_read_in_parts(tmp_path, path):
    (tmp_path / "a.csv").write_text("a,b\n1,2\n3,4\n")
    with pytest.raises(TableError, match=r"a\.csv.*Parquet"):
        TableModel.train(tmp_path / "a.csv", "a", stream=True)
    with pytest.raises(TableError, match="path"):
        TableModel.train(table(), "y", stream=True)
    with pytest.raises(TableError, match="'z'"):
        TableModel.train(path, "z", stream=True)
    with pytest.raises(TableError, match=r"'size'.*missing in \d+ rows"):
        TableModel.train(path, "size", stream=True, verbose=0)


def test_the_summary_is_of_all_rows_whatever_is_held_out(path):
    learned = looked_at(path)[3].summary
    whole = Preprocessing.fit(table(), "y").summary
    assert (learned.rows, learned.missing, learned.counts) == (whole.rows, whole.missing, whole.counts)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_ends_of_the_target_are_those_of_all_rows_and_not_of_the_sample(path, monkeypatch, seed):
    monkeypatch.setattr(statistics, "SAMPLE", 100)
    given = table().append_column("wide", pa.array(np.random.default_rng(seed).normal(size=1000)))
    parquet.write_table(given, path, row_group_size=170)
    learned, whole = looked_at(path, "wide")[3].summary, Preprocessing.fit(given, "wide").summary
    assert (learned.quantiles[0], learned.quantiles[-1]) == (whole.quantiles[0], whole.quantiles[-1])


def trained_in_parts(path, **columns):
    parquet.write_table(pa.table(columns), path, row_group_size=170)
    settings = {"stream": True, "verbose": 0, "backend": "numpy", "hidden": (4,), "epochs": 1}
    return lambda **how: TableModel.train(path, "y", **settings, **how)


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.dictionary(pa.int8(), pa.string())])
@pytest.mark.parametrize("words", [("0", "1"), (" a", "b ")])
def test_classes_of_text_are_counted_in_the_training_part_and_balanced(path, kind, words):
    label = np.array(words)[(np.arange(1000) % 5 == 0).astype(int)]
    model = trained_in_parts(path, x=np.arange(1000) % 7, y=pa.array(label.tolist()).cast(kind))(
        class_weight="balanced"
    )
    source, split = source_of(path), HeldOutRows(source_of(path), 0.2, 0)
    chunks = [chunk for block in range(len(source.blocks)) for chunk, _ in split.kept(source, block)]
    counts = [sum(chunk["y"].to_pylist().count(word) for chunk in chunks) for word in words]
    looked = stream_training.look(path, "y", None, 0.2, 0, False)
    assert looked.counts == counts
    assert sum(counts) == looked.rows < 1000 == sum(model.preprocessing.summary.counts)
    assert model.preprocessing.target.classes == ((0, 1) if words[0] == "0" else ("a", "b"))


def test_the_task_is_that_of_the_whole_table_however_unequal_the_classes(path):
    rare = np.zeros(1000, int)
    rare[100:109] = np.arange(1, 10)
    names = [f"k{i}" if i < 400 else "z" for i in range(1000)]
    for label in (rare, names):
        parquet.write_table(pa.table({"x": np.arange(1000) % 7, "y": label}), path)
        assert looked_at(path, share=0.0)[3].target == Preprocessing.fit(path, "y").target


def test_no_logarithm_is_taken_where_a_row_outside_the_sample_is_0(path, monkeypatch):
    x = np.random.default_rng(0).normal(size=1000)
    y = np.exp(2 * x)
    y[700] = 0.0
    monkeypatch.setattr(statistics, "SAMPLE", 200)
    train = trained_in_parts(path, x=x, y=y)
    models = [train(seed=seed) for seed in range(3)]
    assert not any(model.preprocessing.target.log for model in models)
    kept = models[0].preprocessing.summary.quantiles
    assert kept[0] == 0.0
    assert kept[-1] >= np.sort(y)[-5]  # of all rows for training, not of the sample


def test_few_words_that_differ_among_repeated_numbers_are_missing(path):
    text = np.array(["0", "1", "2"], dtype=object)[np.arange(1000) % 3]
    text[::40] = [f"w{i}" for i in range(25)]
    parquet.write_table(pa.table({"text": text.tolist(), "y": np.arange(1000) % 2}), path)
    (ours,), (theirs,) = looked_at(path, share=0.0)[3].columns, Preprocessing.fit(path, "y").columns
    assert_close(ours.facts(), theirs.facts())


def test_nothing_is_held_out_where_none_is_asked_for_and_a_share_of_few_rows_is_an_error(path):
    x = np.arange(1000.0)
    train = trained_in_parts(path, x=x % 7, y=x)
    for none in (0, None):
        assert train(validation=none).history.history.keys() == {"loss", "r2"}
    with pytest.raises(TableError, match=r"validation: 0\.2 of 3 rows"):
        trained_in_parts(path, x=x[:3], y=x[:3])()


@pytest.mark.parametrize("ending", [".npy", ".parquet"])
def test_of_many_columns_fewer_rows_are_read_at_once(tmp_path, monkeypatch, ending):
    monkeypatch.setattr(sources, "NUMBERS", 64)
    array, path = np.arange(50 * 8.0).reshape(50, 8), tmp_path / f"a{ending}"
    np.save(path, array) if ending == ".npy" else parquet.write_table(
        pa.table({str(i): array[:, i] for i in range(8)}), path
    )
    source = source_of(path)
    chunks = [chunk for block in range(len(source.blocks)) for chunk in source.chunks(block)]
    assert max(map(len, chunks)) == 8
    np.testing.assert_array_equal(pa.concat_tables(chunks).to_pandas().to_numpy(), array)


def test_rows_that_become_wide_are_made_a_few_at_a_time(path, monkeypatch):
    monkeypatch.setattr(flows, "NUMBERS", 2000)
    flow, found, preprocessing = flow_of(path)
    made, transform = [], Preprocessing.transform
    monkeypatch.setattr(Preprocessing, "transform", lambda self, data: made.append(len(data)) or transform(self, data))
    x, y = zip(*((x, y) for x, y, _ in flow.epoch(0, flow.rows)), strict=True)
    assert max(made) * (preprocessing.numbers + 2) <= 2000 / 4
    assert sum(map(len, y)) == sum(made) == found.rows
    assert len(x) == -(-found.rows // 32)
