"""Tables and pictures of a record that was made up, and the command's errors."""

import pytest
from click.testing import CliRunner

from bpnet.cli import main
from bpnet_benchmarks.contenders import CONTENDERS
from bpnet_benchmarks.floor import Floor
from bpnet_benchmarks.growth import line
from bpnet_benchmarks.job import MODES
from bpnet_benchmarks.pictures import MARKERS
from bpnet_benchmarks.record import Cell, LeftOut, Record, load
from bpnet_benchmarks.tables import Table, duration, markdown, text
from bpnet_benchmarks.workloads import KNOWN, WIDTHS, WORKLOADS, of_width


def bench(*arguments):
    return CliRunner().invoke(main, ["bench", *map(str, arguments)])


def cell(workload, batch, contender, seconds, mode="step", **more):
    return Cell(mode, workload, batch, contender, contender.endswith("cuda"), [[seconds] * 3, [1.1 * seconds]], **more)


@pytest.fixture
def recorded(tmp_path):
    """bpnet-numpy takes 10 µs and 1 µs a sample or ¼ µs a unit; torch 4 times as long at batch 1, half at 256."""
    cells = [cell("64-128-10", batch, "bpnet-numpy", 1e-6 * (10 + batch)) for batch in (1, 32, 256)]
    cells += [cell("64-128-10", 1, "torch", 44e-6), cell("64-128-10", 256, "torch", 133e-6)]
    others = [width for width in WIDTHS if width != 128]
    cells += [cell(of_width(width).name, 32, "bpnet-numpy", 1e-6 * (10 + width / 4)) for width in others]
    cells += [cell("64-128-10", 32, "bpnet-numpy", 0.11, "fit", steps_s=0.1, terminal="a pseudo-terminal")]
    cells += [cell("64-128-10", 32, "torch", 2.0, "start", import_s=1.5)]
    cells += [cell("64-128-10", 32, "torch-cuda", 50e-6)]
    machine = {"cpu": "a CPU", "cores": 2, "usable_cores": 2, "gpus": ["a GPU"], "system": "Linux", "load": [0.1, 0, 0]}
    record = Record(
        "2024-05-01T12:00:00+00:00", "abc1234", machine, 2, 2, 1.0, dict(KNOWN), {"numpy": "2.0"},
        {"cpu": Floor(1e11, [(2**16, 5e10), (2**24, 1e10)])}, [LeftOut("jax", "", "it is elsewhere")], cells,
    )  # fmt: skip
    path = tmp_path / "record.json"
    record.save(path)
    assert load(path) == record
    return path


def test_report_prints_the_tables_and_draws_the_pictures(recorded):
    result = bench("--report", recorded)
    assert result.exit_code == 0, result.output
    rows = [" ".join(each.split()) for each in result.output.splitlines()]
    assert "net batch torch" in rows
    assert "64-128-10 1 4.00" in rows
    assert "64-128-10 32 -" in rows
    assert "64-128-10 256 0.50 ◄" in rows
    assert "all nets all 1.41" in rows
    assert "torch: the mean is of 2 of 3 rows" in rows
    assert "64-128-10 bpnet-numpy 10 µs 1 µs 0%" in rows
    assert "64-128-10 32 bpnet-numpy 110 ms 100 ms 1.10" in rows
    assert "jax: it is elsewhere" in rows
    assert "bpnet-numpy 10 µs 250 ns 0%" in rows
    for name in ("throughput-cpu", "over-floor-cpu", "throughput-gpu", "width"):
        assert (recorded.with_suffix("") / f"{name}.png").read_bytes().startswith(b"\x89PNG")


def test_report_as_markdown_and_with_another_subject(recorded):
    result = bench("--report", recorded, "--markdown", "--no-plot", "--subject", "torch")
    assert "| 64-128-10 | 256 | 2.00 |" in result.output
    assert "### one training step: time over that of torch. CPU, 2 threads" in result.output
    assert not recorded.with_suffix("").exists()


def test_a_file_of_something_else_is_refused(tmp_path):
    path = tmp_path / "other.json"
    path.write_text('{"format": 99}')
    assert "expected a JSON file that bpnet bench wrote" in bench("--report", path).output
    assert "No such file" in bench("--report", tmp_path / "none.json").output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--workload", "64-128-11"], "Did you mean '64-128-10'?"),
        (["--contender", "pytorch"], "Did you mean 'torch'?"),
        (["--mode", "steps"], "Did you mean 'step'?"),
        (["--subject", "bpnet"], "subject: 'bpnet' is unknown"),
        (["--threads", "100000"], "--threads: 100000 was given, expected at most"),
    ],
)
def test_what_a_user_can_mend_is_one_line(arguments, message, tmp_path):
    result = bench(*arguments, "--out", tmp_path / "new")
    assert result.exit_code == 2
    assert message in result.output
    assert "Traceback" not in result.output
    assert not (tmp_path / "new").exists()


def test_a_folder_that_cannot_be_written_is_found_before_measuring(tmp_path):
    (tmp_path / "file").write_text("in the way")
    assert "--out: cannot write to" in bench("--out", tmp_path / "file" / "folder").output


@pytest.mark.parametrize("arguments", [["--batch", "0"], ["--seconds", "0"], ["--rounds", "0"], ["--batch", "x"]])
def test_a_wrong_option_is_a_usage_error(arguments):
    assert bench(*arguments).exit_code == 2


def test_help_names_everything():
    words = bench("--help").output.replace(",", " ").replace(";", " ").split()
    assert {*WORKLOADS, *CONTENDERS, *MODES} <= set(words)


def test_without_matplotlib_the_tables_are_printed(recorded, monkeypatch):
    import bpnet.cli.bench as command

    monkeypatch.setattr(command, "find_spec", lambda name: None if name == "matplotlib" else name)
    assert "no pictures: matplotlib is not installed. Mend:" in bench("--report", recorded).output
    assert "--plot was given, but matplotlib" in bench("--report", recorded, "--plot").output


def test_a_line_is_found_and_never_falls():
    found = line([1, 10, 100, 1_000], [3e-6 + 2e-7 * size for size in (1, 10, 100, 1_000)])
    assert (found.a, found.b) == (pytest.approx(3e-6), pytest.approx(2e-7))
    assert found.worst < 1e-9
    assert line([1, 2, 3], [3.0, 2.0, 1.0]).b == 0.0


def test_columns_are_aligned_and_markdown_is_escaped():
    table = Table("title", ["net", "time"], [["a|b", "1"], ["c", "1,000"]], ["a note\nof two lines"])
    assert text([table]) == "title\n  net   time\n  a|b      1\n  c    1,000\n  a note\n    of two lines"
    assert "| a\\|b | 1 |" in markdown([table])


@pytest.mark.parametrize(
    ("seconds", "expected"), [(2.5, "2.5 s"), (0.12345, "123.5 ms"), (1e-6, "1 µs"), (3e-9, "3 ns")]
)
def test_durations(seconds, expected):
    assert duration(seconds) == expected


def test_each_contender_has_its_own_marker():
    assert len(CONTENDERS) <= len(set(MARKERS)) + 12  # those on the CPU and on the GPU are never in one picture
