"""Files of each kind, and what is said of those that are broken: the line, what came, what was expected."""

import gzip

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from bpnet.tables import TableError, read_table

CSV = "size,colour,ok,note\n1,red,true,\n2.5, blue ,FALSE,\nNA,?,null,x y\n"


def columns(frame):
    return {name: frame[name].to_list() for name in frame.columns}


def written(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


EXPECTED = {
    "size": [1.0, 2.5, None],
    "colour": ["red", "blue", None],
    "ok": [True, False, None],
    "note": [None, None, "x y"],
}


def test_csv_tsv_and_their_zipped_and_foreign_forms_are_the_same_table(tmp_path):
    forms = {
        "a.csv": CSV.encode(),
        "bom.csv": b"\xef\xbb\xbf" + CSV.replace("\n", "\r\n").encode(),
        "a.csv.gz": gzip.compress(CSV.encode()),
        "a.tsv": CSV.replace(",", "\t").encode(),
        "a.tsv.gz": gzip.compress(CSV.replace(",", "\t").encode()),
        "semicolons.csv": CSV.replace(",", ";").replace("2.5", "2,5").encode(),
        "tabs.csv": CSV.replace(",", "\t").encode(),
        "returns.csv": CSV.replace("\n", "\r").encode(),
        "blank-above.csv": b" \n\n" + CSV.encode(),
    }
    for name, content in forms.items():
        assert columns(read_table(written(tmp_path / name, content))) == EXPECTED, name


def test_whole_numbers_stay_whole_and_text_between_quotes_may_have_commas_and_line_ends(tmp_path):
    frame = read_table(written(tmp_path / "a.csv", 'a,b\n1,"x, y"\n,"two\nlines"\n3,"a ""word"""\n'))
    assert columns(frame) == {"a": [1, None, 3], "b": ["x, y", "two\nlines", 'a "word"']}
    assert str(frame["a"].dtype) == "Int64"


def test_parquet_and_numpys_files(tmp_path):
    x, y = np.arange(6.0).reshape(3, 2), np.array([0, 1, 0])
    parquet.write_table(pa.table({"a": [1, 2], "b": ["x", None]}), tmp_path / "a.parquet")
    assert columns(read_table(tmp_path / "a.parquet")) == {"a": [1, 2], "b": ["x", None]}
    np.savez(tmp_path / "xy.npz", x=x, y=y)
    assert columns(read_table(tmp_path / "xy.npz")) == {"0": [0, 2, 4], "1": [1, 3, 5], "y": [0, 1, 0]}
    np.savez(tmp_path / "named.npz", height=x[:, 0], kind=np.array(["a", "b", "a"]))
    assert columns(read_table(tmp_path / "named.npz")) == {"height": [0, 2, 4], "kind": ["a", "b", "a"]}
    np.save(tmp_path / "a.npy", x)
    assert columns(read_table(tmp_path / "a.npy")) == {"0": [0, 2, 4], "1": [1, 3, 5]}


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("empty.csv", "", ["empty.csv", "empty"]),
        ("blank.csv", "\n\n", ["blank.csv", "empty"]),
        ("header.csv", "a,b\n", ["header.csv", "no rows"]),
        ("header-alone.csv", "a,b", ["header-alone.csv", "no rows"]),
        ("above.csv", "\n \na,b\n1,2\n3\n", ["line 5", "1 values", "expected 2", "in line 3"]),
        ("twice-below.csv", "\na,a\n1,2\n", ["line 2", "'a'"]),
        ("short.csv", "a,b\n1,2\n\n3\n5,6\n", ["line 4", "1 values", "expected 2"]),
        ("long.csv", 'a,b\n"1\n2",2\n3,4,5\n', ["line 4", "3 values", "expected 2"]),
        ("twice.csv", "a,b,a\n1,2,3\n", ["line 1", "'a'", "differ"]),
        ("nameless.csv", "5.1,3.5,red\n4.9,3.0,blue\n", ["line 1", "5.1", "names"]),
        ("latin.csv", "a,b\n1,x\n2,caf\xe9\n".encode("latin1"), ["line 3", "byte 13", "UTF-8", "iconv"]),
        ("latin-name.csv", "caf\xe9,b\n1,x\n".encode("latin1"), ["line 1", "byte 3", "UTF-8"]),
        ("infinite.csv", "a,b\n1,2\ninf,3\n", ["'a'", "row 2", "line 3", "infinite"]),
        ("large.csv", "a,b\n1,2\n1e999,3\n", ["'a'", "row 2", "line 3", "infinite"]),
        ("broken.csv.gz", b"\x1f\x8b\x08\x00junk", ["broken.csv.gz", "cannot be read"]),
        ("broken.parquet", b"PAR1junk", ["broken.parquet", "Parquet"]),
        ("broken.npz", b"PK\x03\x04junk", ["broken.npz", "NumPy"]),
        ("broken.npy", b"junk", ["broken.npy", "NumPy"]),
        ("data.xlsx", b"PK", ["data.xlsx", ".csv", ".parquet"]),
    ],
)
def test_a_broken_file_is_one_error_that_says_where(tmp_path, name, content, words):
    with pytest.raises(TableError) as error:
        read_table(written(tmp_path / name, content))
    for word in words:
        assert word in str(error.value), f"{word!r} is not in: {error.value}"


def test_arrays_of_other_shapes_or_lengths_or_of_objects(tmp_path):
    np.save(tmp_path / "flat.npy", np.arange(3))
    np.savez(tmp_path / "lengths.npz", a=np.arange(3), b=np.arange(4))
    np.savez(tmp_path / "images.npz", x=np.zeros((3, 2, 2)), y=np.arange(3))
    np.savez(tmp_path / "objects.npz", a=np.array([1, "x"], dtype=object))
    np.savez(tmp_path / "complex.npz", a=np.ones(2, complex))
    shown = {
        "complex.npz": "not read",
        "flat.npy": "(3,)",
        "lengths.npz": "(4,)",
        "images.npz": "(3, 2, 2)",
        "objects.npz": "plain",
    }
    for name, words in shown.items():
        with pytest.raises(TableError, match=name) as error:
            read_table(tmp_path / name)
        assert words in str(error.value)


def test_a_missing_file_names_those_beside_it(tmp_path):
    written(tmp_path / "data.csv", CSV)
    with pytest.raises(TableError, match=r"date\.csv.*no such file.*data\.csv"):
        read_table(tmp_path / "date.csv")


def test_names_may_have_line_ends_and_chosen_columns_stay_as_they_are_written(tmp_path):
    path = written(tmp_path / "a.csv", '"a\nb",ok,c\n1.10,True,1\n')
    assert columns(read_table(path)) == {"a\nb": [1.1], "ok": [True], "c": [1]}
    assert columns(read_table(path, ["a\nb", "ok"])) == {"a\nb": ["1.10"], "ok": ["True"], "c": [1]}
