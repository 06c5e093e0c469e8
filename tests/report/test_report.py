"""A report: whole, of itself, and with nothing in it that the data could have slipped in."""

import re
from html.parser import HTMLParser

import numpy as np
import pytest

from bpnet.report import Classification, Column, Regression, Report, html

EVIL = ["<script>alert(1)</script>", '" onload="alert(1)', "price in $x$ & €", "价格", "a\x00b\x1b[31m", "</style><b>"]


class Seen(HTMLParser):
    """Tags, attributes and text; each element has to be closed where it was opened."""

    VOID = ("meta", "link", "img", "br", "hr", "input")

    def __init__(self, page):
        super().__init__()
        self.tags, self.attributes, self.text, self.open = [], [], [], []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def regression(target="price", rows=600):
    draw = np.random.default_rng(0)
    true = draw.normal(size=rows)
    return Regression(target, true, true + 0.1 * draw.normal(size=rows))


def classification(names):
    draw = np.random.default_rng(0)
    return Classification("kind", names, draw.integers(0, len(names), 200), draw.dirichlet(np.ones(len(names)), 200))


def report(outcome, **more):
    history = {"loss": [1.0, 0.01, 0.02], "val_loss": [1.0, 0.02, 0.04]}
    given = {"history": history, "epochs": [0, 1, 2], "kept": 1, **more}
    return Report("title", "lead", {"test": outcome, "training": outcome}, **given)


def given(words):
    """All that a report may say, in these words."""
    columns = [Column(word, "input", word, 0, word) for word in words]
    facts = {"made": dict.fromkeys(words, "made"), "commands": dict.fromkeys(words, words[0])}
    return {"columns": columns, "notes": words, "network": " ".join(words), **facts}


@pytest.mark.parametrize("make", [lambda words: regression("".join(words)[:39]), classification])
def test_what_comes_from_the_data_is_text_and_nothing_else(make):
    tame = [f"word {number}" for number in range(len(EVIL))]
    page = html(report(make(EVIL), **given(EVIL)))
    seen, expected = Seen(page), Seen(html(report(make(tame), **given(tame))))
    of_charts = {"g", "path", "use", "text", "defs", "tspan"}  # as many as there are ticks
    assert [tag for tag in seen.tags if tag not in of_charts] == [tag for tag in expected.tags if tag not in of_charts]
    assert not [name for name, _ in seen.attributes if name.startswith("on")]
    assert not re.search("[\x00-\x08\x0b-\x1f]", page)
    assert all(word in seen.text for word in EVIL if word.isprintable())


@pytest.mark.parametrize(
    "outcome", [regression(), classification(["a", "b"]), classification(list(map(str, range(20))))]
)
def test_nothing_is_fetched(outcome):
    seen = Seen(html(report(outcome)))
    for name, value in seen.attributes:
        if name in ("href", "src", "xlink:href"):
            assert value.startswith(("#", "data:"))
        assert "url(" not in (value or "") or "url(#" in value
    assert "@import" not in "".join(seen.text)


def test_identifiers_of_several_pictures_do_not_meet():
    seen = Seen(html(report(regression())))
    names = [value for name, value in seen.attributes if name == "id"]
    assert len(names) == len(set(names))
    used = {value[1:] for name, value in seen.attributes if name == "href" and value.startswith("#")}
    assert used <= set(names)


def test_colours_are_the_page_s():
    page = html(report(regression()))
    assert "#0102" not in page
    assert "currentColor" in page
    assert "prefers-color-scheme: dark" in page


def test_many_points_do_not_make_a_large_file():
    assert len(html(report(regression(rows=50_000)))) < 500_000


def test_without_matplotlib_it_has_its_tables_and_says_so(monkeypatch):
    monkeypatch.setattr("bpnet.report.report.find_spec", lambda name: None)
    page = html(report(regression()))
    assert "<svg" not in page
    assert "matplotlib is not installed" in page
    assert "R²" in page


def test_the_figures_are_those_of_scikit_learn():
    from sklearn import metrics

    one, two = regression(), classification(["a", "b"])
    assert one.figures["R²"] == pytest.approx(metrics.r2_score(one.true, one.predicted))
    assert one.figures["mean absolute error"] == pytest.approx(metrics.mean_absolute_error(one.true, one.predicted))
    assert two.figures["balanced accuracy"] == pytest.approx(metrics.balanced_accuracy_score(two.true, two.predicted))
    assert two.figures["log loss"] == pytest.approx(metrics.log_loss(two.true, two.probabilities))
    assert two.counts.tolist() == metrics.confusion_matrix(two.true, two.predicted).tolist()
    precision, recall, _, rows = metrics.precision_recall_fscore_support(two.true, two.predicted)
    expected = list(zip("ab", rows, precision, recall, strict=True))
    for found, (name, count, *shares) in zip(two.each_class(), expected, strict=True):
        assert found[:2] == (name, count)
        assert found[2:] == pytest.approx(shares)


def test_a_class_without_rows_and_a_constant_target_have_dashes():
    page = html(report(Classification("kind", ["a", "b"], np.zeros(5, int), np.tile([0.9, 0.1], (5, 1)))))
    assert '<td class="number">-</td>' in page
    assert np.isnan(Regression("x", np.ones(3), np.ones(3)).figures["R²"])
