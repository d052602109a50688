"""A machine that is too small, a stage that was killed: one sentence, nothing left behind, and the next run goes on."""

import errno
import os
import shutil
import subprocess
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from joblib.externals.loky.process_executor import TerminatedWorkerError

from targeting.base.errors import DataError
from targeting.base.outputs import write_csv
from targeting.base.stage import run
from targeting.learners.registry import find_learner
from targeting.learners.tuning import search, search_history
from targeting.tables import engine
from targeting.tables.engine import connect
from tests.conftest import ENGINE
from tests.effect_worlds import World, world

ROOT = Path(__file__).resolve().parent.parent
FULL = OSError(errno.ENOSPC, "No space left on device", "plots/a.csv")


def said(error: BaseException, capsys) -> str:
    """What a stage says last when it is stopped by the error; it exits with 1."""

    def fail():
        raise error

    with pytest.raises(SystemExit) as stopped:
        run("stage", fail)
    assert stopped.value.code == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    return lines[0]


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (FULL, "the disk is full.*no room for plots/a.csv"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "the disk is full"),
        (duckdb.IOException('IO Error: Could not write file "x.parquet": No space left on device'), "the disk is full"),
        (duckdb.OutOfMemoryException("Out of Memory Error: failed to offload data block of size 256.0 KiB"), "the disk is full"),
        (duckdb.OutOfMemoryException("Out of Memory Error: failed to allocate data"), "engine.memory_limit. Raise it"),
        (MemoryError(), "memory ran out"),
        (TerminatedWorkerError("A worker process was unexpectedly terminated"), "memory ran out"),
        (BrokenProcessPool(), "memory ran out"),
    ],
)
def test_a_shortage_is_a_sentence(error, sentence, capsys):
    pattern = f"stage: .*{sentence}.*\\."
    assert pd.Series([said(error, capsys)]).str.fullmatch(pattern).all()


def test_a_reader_that_blames_the_file_does_not_hide_a_shortage(capsys):
    try:
        try:
            raise duckdb.OutOfMemoryException("failed to allocate data of size 32.0 KiB")
        except duckdb.Error:
            raise DataError("a.csv cannot be read as CSV. Write it anew.") from None
    except DataError as error:
        blamed = error
    assert "engine.memory_limit" in said(blamed, capsys)
    assert said(DataError("a.csv is empty."), capsys) == "stage: a.csv is empty."


@pytest.mark.parametrize("error", [PermissionError(errno.EACCES, "Permission denied"), KeyError("x"), RuntimeError("no")])
def test_other_errors_are_no_shortage(error):
    def fail():
        raise error

    with pytest.raises(type(error)):
        run("stage", fail)


def test_tables_beyond_the_engines_memory_end_in_a_sentence(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    def too_much():
        with connect(ENGINE | {"memory_limit": "64MB"}) as backend:
            backend.raw_sql("SET max_temp_directory_size = '0KB'")
            backend.raw_sql("CREATE TABLE t AS SELECT i, md5(i::VARCHAR) AS k FROM range(5000000) r(i)")

    with pytest.raises(SystemExit):
        run("stage", too_much)
    assert "Traceback" not in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_a_spill_lies_in_the_project_and_goes_with_the_stage(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with connect(ENGINE | {"memory_limit": "64MB"}) as backend:
        backend.raw_sql("CREATE TABLE t AS SELECT i, md5(i::VARCHAR) AS k FROM range(3000000) r(i)")
        (spill,) = tmp_path.iterdir()
        assert spill.name.startswith(f"{engine.SPILL}-{os.getpid()}-")
        ignored = subprocess.run(["git", "check-ignore", "--quiet", "--no-index", f"{spill.name}/"], cwd=ROOT, check=False)
        assert ignored.returncode == 0
    assert not list(tmp_path.iterdir())


def test_the_next_run_clears_what_a_killed_one_spilt(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ended = subprocess.Popen(["true"])
    ended.wait()
    kept = [f"{engine.SPILL}-{os.getppid()}-0", f"{engine.SPILL}-other", "data"]
    for name in [f"{engine.SPILL}-{ended.pid}-0", f"{engine.SPILL}-{ended.pid}-1", *kept]:
        (tmp_path / name).mkdir()
        (tmp_path / name / "block.tmp").write_text("half")
    with connect(ENGINE):
        pass
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(kept)


@pytest.fixture(scope="module")
def given() -> World:
    return world(seed=4, n=300)


@pytest.fixture(scope="module")
def whole(given, tmp_path_factory) -> Path:
    """The journal of a search of five trials."""
    path = tmp_path_factory.mktemp("whole") / "study.log"
    search(given.data()["purchase_amount"], find_learner("r_smooth", {}), 5, 7, path)
    return path


@pytest.mark.slow
@pytest.mark.parametrize("cut", [-1, -40, -700, 50, 1])
def test_a_search_whose_journal_was_cut_finds_what_a_whole_one_finds(given, whole, tmp_path, cut, capsys):
    content = whole.read_bytes()
    path = tmp_path / "study.log"
    path.write_bytes(content[:cut])
    search(given.data()["purchase_amount"], find_learner("r_smooth", {}), 5, 7, path)
    assert search_history(path, 5).equals(search_history(whole, 5))
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert [file.name for file in tmp_path.iterdir()] == ["study.log"]


@pytest.mark.parametrize("damage", [b"\0" * 64 + b"\n", b"{}\n", b"[1]\n", b"no json\n", b"7\n"])
def test_a_journal_that_is_none_begins_anew(given, whole, tmp_path, damage, capsys):
    first, rest = whole.read_bytes().split(b"\n", 1)
    path = tmp_path / "study.log"
    path.write_bytes(first + b"\n" + damage + rest)
    search(given.data()["purchase_amount"], find_learner("r_smooth", {}), 5, 7, path)
    assert search_history(path, 5).equals(search_history(whole, 5))
    assert "begins anew" in capsys.readouterr().err


def test_a_whole_journal_is_left_alone(given, whole, tmp_path, capsys):
    path = tmp_path / "study.log"
    shutil.copy(whole, path)
    search(given.data()["purchase_amount"], find_learner("r_smooth", {}), 5, 7, path)
    assert path.read_bytes().startswith(whole.read_bytes())
    assert capsys.readouterr().err == ""


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs the device that is always full")
def test_a_full_disk_ends_in_a_sentence(tmp_path, monkeypatch, capsys):
    path = tmp_path / "a.csv"

    def write():
        (tmp_path / ".a.csv.part").symlink_to("/dev/full")
        write_csv(pd.DataFrame({"a": range(100_000)}), path)

    with pytest.raises(SystemExit):
        run("stage", write)
    assert "the disk is full" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_no_table_starts_a_formula_and_numbers_stay(tmp_path):
    table = pd.DataFrame(
        {
            "=1+1": ["=cmd|' /C calc'!A0", "@x", "-a"],
            "text": ["-8.48", "+5", "-1e-05"],
            "mixed": pd.Series([-1.5, "\t=1", None], dtype=object),
            "category": pd.Categorical(["=a", "b", "=a"]),
            "number": [-1.5, 2.0, -3.0],
        }
    )
    write_csv(table, tmp_path / "a.csv")
    assert (tmp_path / "a.csv").read_text().splitlines() == [
        "'=1+1,text,mixed,category,number",
        "'=cmd|' /C calc'!A0,-8.48,-1.5,'=a,-1.5",
        "'@x,+5,' =1,b,2",
        "'-a,-1e-05,,'=a,-3",
    ]
