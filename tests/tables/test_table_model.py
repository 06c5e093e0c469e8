"""From a table to predictions: the scores that the defaults reach, the same on every backend, and every setting."""

import numpy as np
import pandas as pd
import pytest
from sklearn import datasets, metrics

from backends_here import SPECS, backend_named
from bpnet import SGD, BatchNormalization, Callback, Dropout
from bpnet.tables import TableError, TableModel, read_table
from bpnet.tables.measures import of_classes, of_numbers
from bpnet.tables.split import split_rows


def written(tmp_path, name):
    """One of scikit-learn's sets as a CSV, with the classes' names."""
    data = getattr(datasets, f"load_{name}")()
    frame = pd.DataFrame(data.data, columns=data.feature_names)
    frame["class"] = data.target_names[data.target]
    frame.to_csv(tmp_path / f"{name}.csv", index=False)
    return tmp_path / f"{name}.csv"


@pytest.mark.parametrize(
    ("name", "least"),
    [("iris", 0.95), ("wine", 0.97), ("breast_cancer", 0.96)],  # means over ten seeds: 0.973, 0.983, 0.973
)
def test_a_file_of_classes_is_learned(tmp_path, name, least):
    frame = read_table(written(tmp_path, name))
    keep, out = split_rows(len(frame), 0.2, 101, np.unique(frame["class"].to_numpy(), return_inverse=True)[1])
    model = TableModel.train(frame[keep], "class", seed=1, verbose=0, backend="numba")
    figures = model.evaluate(frame[out])
    assert figures["accuracy"] >= least
    assert set(model.predict(frame[out])) == set(frame["class"].to_list())
    assert (model.predict_proba(frame[out]).sum(axis=1) == pytest.approx(1, abs=1e-6)) is True


def gems(rows=1500, seed=0):
    """Like the diamonds: a skewed price that weight, cut and colour multiply, sizes that follow from the weight."""
    rng = np.random.default_rng(seed)
    carat = rng.lognormal(-0.4, 0.5, rows).round(2) + 0.2
    cut, colour = rng.integers(0, 5, rows), rng.integers(0, 60, rows)
    price = np.exp(7 + 1.7 * np.log(carat) + 0.1 * cut + 0.01 * colour + rng.normal(0, 0.05, rows))
    side = 6.5 * carat ** (1 / 3) + rng.normal(0, 0.02, rows)
    cuts = np.array(["Fair", "Good", "Very Good", "Premium", "Ideal"])[cut]
    gap = rng.uniform(size=rows) < 0.02
    data = {"carat": carat, "cut": cuts, "colour": [f"c{c:02}" for c in colour], "x": np.where(gap, np.nan, side)}
    return pd.DataFrame({**data, "price": price.round()})


def test_a_price_of_numbers_and_categories_is_learned_in_its_own_unit():
    frame = gems(seed=1)
    model = TableModel.train(frame[:1200], "price", seed=1, verbose=0, backend="numba")
    figures = model.evaluate(frame[1200:])
    truth, predicted = frame["price"][1200:].to_numpy(), model.predict(frame[1200:])
    assert figures["r2"] == pytest.approx(metrics.r2_score(truth, predicted), rel=1e-9)
    assert figures["r2"] > 0.97  # the noise alone leaves 0.99
    assert model.preprocessing.target.log  # the price is a product
    assert "through its logarithm" in model.preprocessing.notes[-1]
    assert [column.name for column in model.preprocessing.embedded] == ["colour"]


@pytest.mark.parametrize("spec", [spec for spec in SPECS if spec.id not in ("numpy", "strict", "emulated")])
def test_the_same_numbers_on_every_backend(spec, dtype):
    """Three epochs, in which errors of rounding grow: within a hundred times those of one step."""
    frame = gems(300)
    settings = {"epochs": 3, "batch_size": 100, "hidden": (8,), "batch_norm": True, "dropout": 0.1, "validation": 0}
    settings |= {"seed": 3, "verbose": 0, "dtype": dtype}
    ours = TableModel.train(frame, "price", backend="numpy", **settings)
    theirs = TableModel.train(frame, "price", backend=backend_named(spec), **settings)
    assert ours.preprocessing.facts() == theirs.preprocessing.facts()
    error = ours.predict(frame) - theirs.predict(frame)
    assert np.linalg.norm(error) <= 100 * (1e-12 if dtype == "float64" else 1e-5) * np.linalg.norm(ours.predict(frame))


@pytest.mark.parametrize("spoilt", [False, True])
def test_the_validation_part_is_not_looked_at_for_the_preprocessing(spoilt):
    frame = gems(200)
    rows, out = split_rows(200, 0.2, 0)
    if spoilt:
        frame.loc[out, "carat"] *= 100
    learned = TableModel.train(frame, "price", epochs=1, verbose=0, backend="numpy").preprocessing
    assert learned.columns[0].mean == pytest.approx(gems(200)["carat"][rows].mean(), rel=1e-9)


def test_settings_reach_the_network():
    frame = gems(100)
    seen = []

    class Seen(Callback):
        def on_epoch_end(self, epoch, logs):
            seen.append(set(logs))

    model = TableModel.train(
        frame,
        "cut",
        hidden=(7, 5),
        activation="tanh",
        optimizer=SGD(0.1),
        learning_rate=0.05,
        dropout=0.2,
        batch_norm=True,
        epochs=2,
        batch_size=20,
        validation=frame,
        callbacks=[Seen()],
        verbose=0,
        backend="numpy",
        dtype="float64",
    )
    layers = model.model.network.graph.layers
    dense = [layer for layer in layers if hasattr(layer, "units")]
    assert [(layer.units, layer.use_bias) for layer in dense] == [(7, False), (5, False), (5, True)]
    assert sum(isinstance(layer, BatchNormalization) for layer in layers) == 2
    assert sum(isinstance(layer, Dropout) for layer in layers) == 2
    assert model.model.learning_rate == pytest.approx(0.05)
    assert seen == [{"loss", "accuracy", "val_loss", "val_accuracy"}] * 2
    assert len(TableModel.train(frame, "cut", epochs=2, validation=0, verbose=0, backend="numpy").history.history) == 2


def test_the_best_epochs_weights_are_kept_and_training_ends_early():
    rng = np.random.default_rng(0)
    data = {"a": rng.normal(size=60), "b": rng.normal(size=60), "y": rng.normal(size=60)}  # nothing to be learned
    model = TableModel.train(data, "y", early_stopping=3, learning_rate=0.01, verbose=0, backend="numpy")
    losses = model.history.history["val_loss"]
    assert len(losses) == int(np.argmin(losses)) + 1 + 3
    out = split_rows(60, 0.2, 0)[1]
    part = {name: values[out] for name, values in data.items()}
    scaled = model.preprocessing.target
    error = (model.predict(part) - part["y"]) / scaled.std
    assert np.mean(error**2) == pytest.approx(min(losses), rel=1e-5)


def test_balanced_weights_find_more_of_a_rare_class():
    rng = np.random.default_rng(1)
    rare = rng.uniform(size=600) < 0.06
    data = {"a": rng.normal(size=600) + 1.5 * rare, "b": rng.normal(size=600), "y": np.where(rare, "rare", "often")}
    found = {}
    for weight in (None, "balanced", {"rare": 15.0}):
        settings = {"epochs": 10, "hidden": (8,), "activation": "relu", "verbose": 0, "backend": "numpy"}
        figures = TableModel.train(data, "y", class_weight=weight, **settings).evaluate(data)
        found[str(weight)] = figures["confusion_matrix"][1][1] / rare.sum()
    assert found["balanced"] > found["None"] + 0.3
    assert found["{'rare': 15.0}"] > found["None"] + 0.3
    with pytest.raises(TableError, match=r"'seldom'.*often, rare"):
        TableModel.train(data, "y", class_weight={"seldom": 2.0}, verbose=0, backend="numpy")


def test_the_measures_are_those_of_scikit_learn():
    rng = np.random.default_rng(2)
    for classes in (2, 4):
        p = rng.dirichlet(np.ones(classes), 50)
        y = rng.integers(0, classes, 50)
        y[:classes] = np.arange(classes)
        said, found = p.argmax(axis=1), of_classes(y, p)
        assert found["accuracy"] == pytest.approx(metrics.accuracy_score(y, said))
        assert found["balanced_accuracy"] == pytest.approx(metrics.balanced_accuracy_score(y, said))
        assert found["log_loss"] == pytest.approx(metrics.log_loss(y, p))
        assert found["f1_macro"] == pytest.approx(metrics.f1_score(y, said, average="macro"))
        assert found["confusion_matrix"] == metrics.confusion_matrix(y, said).tolist()
        if classes == 2:
            assert found["roc_auc"] == pytest.approx(metrics.roc_auc_score(y, p[:, 1]))
    sure = np.array([[1, 0], [0, 1], [1, 0]], "float32")  # a probability of 0 for what came
    assert of_classes(np.array([0, 0, 1]), sure)["log_loss"] == pytest.approx(metrics.log_loss([0, 0, 1], sure))
    t, p = rng.normal(size=(2, 50))
    assert of_numbers(t, p)["r2"] == pytest.approx(metrics.r2_score(t, p))
    assert of_numbers(t, p)["rmse"] == pytest.approx(metrics.root_mean_squared_error(t, p))
    assert of_numbers(t, p)["mae"] == pytest.approx(metrics.mean_absolute_error(t, p))


def test_a_split_holds_out_the_share_of_each_class_and_repeats():
    labels = np.array([0] * 50 + [1] * 30 + [2] * 19 + [3])
    keep, out = split_rows(100, 0.2, 5, labels)
    assert np.bincount(labels[out], minlength=4).tolist() == [10, 6, 4, 0]
    assert sorted([*keep, *out]) == list(range(100))
    np.testing.assert_array_equal(split_rows(100, 0.2, 5, labels)[1], out)
    assert (split_rows(100, 0.2, 6, labels)[1] != out).any()
    with pytest.raises(TableError, match="share"):
        split_rows(100, 1.5, 0)


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ({"hidden": "8"}, "hidden"),
        ({"hidden": (0,)}, "hidden"),
        ({"dropout": 1.0}, "dropout"),
        ({"class_weight": "even"}, "class_weight"),
        ({"early_stopping": 0}, "early_stopping"),
        ({"activation": "rellu"}, "relu"),
        ({"optimizer": "adm"}, "adam"),
        ({"learning_rate": -1}, "learning_rate"),
        ({"target": "prize"}, "price"),
        ({"validation": 2.0}, "share"),
    ],
)
def test_a_wrong_setting_is_named_before_work_is_done(setting, words):
    with pytest.raises(ValueError, match=words):
        TableModel.train(**{"data": gems(50), "target": "price", "verbose": 0, **setting})


def test_probabilities_are_for_classes_alone_and_notes_are_printed(capsys):
    model = TableModel.train(gems(50).assign(k=3), "price", epochs=1, verbose=2, backend="numpy")
    assert "note: column 'k' is 3 in every row" in capsys.readouterr().out
    with pytest.raises(TableError, match="predict_proba"):
        model.predict_proba(gems(5))
