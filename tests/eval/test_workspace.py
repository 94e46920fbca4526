import gzip
import io

import pytest
from rich.console import Console
from rich.progress import Progress

from eval.datasets.csv_table import Table, check_whole
from eval.datasets.progress import Steps
from eval.datasets.workspace import open_workspace
from knowledge.errors import UserError

TABLE = Table("t", "a release", {"ID": "BIGINT", "TEXT": "VARCHAR"})


def test_steps_are_drawn_and_taken_away():
    out = io.StringIO()
    with Progress(console=Console(file=out, force_terminal=True, width=80)) as bar:
        with Steps(bar).step("reading", 10) as advance:
            advance(5)
            assert [task.percentage for task in bar.tasks] == [50]
            bar.refresh()
        assert bar.tasks == []
    assert "reading" in out.getvalue()


def test_the_database_leaves_nothing_behind(tmp_path, write_table):
    write_table(tmp_path / "src" / "t.csv", "ID TEXT OTHER", [(2, "two", "x"), (1, 'o"ne\n', "y")])
    destination = tmp_path / "new" / "folder"
    with open_workspace(destination, Steps()) as db:
        db.load(TABLE, tmp_path / "src", "CREATE TABLE t AS SELECT id, text FROM {table}")
        assert [path.name.startswith(".duckdb-") for path in destination.iterdir()] == [True]
        assert list(db.rows("SELECT * FROM t ORDER BY id")) == [(1, 'o"ne\n'), (2, "two")]
        assert db.sources == {"t": str(tmp_path / "src" / "t.csv")}
    assert list(destination.iterdir()) == []


def test_nor_when_the_work_breaks_off(tmp_path):
    with (
        pytest.raises(UserError, match="the table t of a release is missing"),
        open_workspace(tmp_path, Steps()) as db,
    ):
        db.load(TABLE, tmp_path, "CREATE TABLE t AS SELECT * FROM {table}")
    assert list(tmp_path.iterdir()) == []


def test_a_destination_that_is_a_file_is_named(tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    with (
        pytest.raises(UserError, match="file cannot be written"),
        open_workspace(tmp_path / "file", Steps()),
    ):
        pass


@pytest.mark.parametrize(
    ("content", "rows"),
    [
        (b"ID,TEXT\n", []),
        (b"ID,TEXT\n1,one", [(1, "one")]),
        (b'ID,TEXT\n1,"a\r\nb"\n2,"c\nd"\n', [(1, "a\r\nb"), (2, "c\nd")]),
        (b'ID,TEXT\r\n1,"a\r\nb"\r\n2,"c\nd"\r\n', [(1, "a\r\nb"), (2, "c\nd")]),
        (b"\xef\xbb\xbfID,TEXT\n1,one\n", [(1, "one")]),
    ],
)
def test_every_line_ending_is_read(tmp_path, content, rows):
    (tmp_path / "t.csv").write_bytes(content)
    with open_workspace(tmp_path / "out", Steps()) as db:
        db.load(TABLE, tmp_path, "CREATE TABLE t AS SELECT * FROM {table}")
        assert list(db.rows("SELECT * FROM t ORDER BY id")) == rows


def test_mixed_line_endings_are_named(tmp_path):
    (tmp_path / "t.csv").write_bytes(b"ID,TEXT\n1,one\r\n2,two\n")
    with (
        pytest.raises(UserError, match=r"t\.csv: CSV Parser state machine reached an invalid"),
        open_workspace(tmp_path / "out", Steps()) as db,
    ):
        db.load(TABLE, tmp_path, "CREATE TABLE t AS SELECT * FROM {table}")


# Several times the buffer of the reader, which gzipped files of several members cross as well.
@pytest.mark.parametrize("newline", [b"\n", b"\r\n"])
def test_no_row_of_a_large_file_is_lost(tmp_path, newline):
    text = b'"' + b'a ""quoted"" line\n' * 500 + b'"'
    lines = [b"ID,TEXT", *(b"%d,%s" % (number, text) for number in range(5_000))]
    content = newline.join(lines) + newline
    half = len(content) // 2
    members = (gzip.compress(part, compresslevel=1) for part in (content[:half], content[half:]))
    (tmp_path / "t.csv.gz").write_bytes(b"".join(members))
    with open_workspace(tmp_path / "out", Steps()) as db:
        db.load(TABLE, tmp_path, "CREATE TABLE t AS SELECT id, length(text) n FROM {table}")
        assert db.row("SELECT count(*), count(DISTINCT id), min(n), max(n) FROM t") == (
            5_000,
            5_000,
            500 * len('a "quoted" line\n'),
            500 * len('a "quoted" line\n'),
        )


def test_text_that_is_not_utf8_is_named(tmp_path):
    (tmp_path / "t.csv").write_bytes(b"ID,TEXT\n1,caf\xe9\n")
    with (
        pytest.raises(UserError, match=r"t\.csv, line 2: Invalid unicode"),
        open_workspace(tmp_path / "out", Steps()) as db,
    ):
        db.load(TABLE, tmp_path, "CREATE TABLE t AS SELECT * FROM {table}")


def test_a_path_with_quotation_marks(tmp_path, write_table):
    folder = tmp_path / "it's {here}"
    write_table(folder / "t.csv", "ID TEXT", [(1, "one")])
    with open_workspace(folder / "out", Steps()) as db:
        db.load(TABLE, folder, "CREATE TABLE t AS SELECT * FROM {table}")
        assert db.value("SELECT text FROM t") == "one"


def test_plain_files_have_no_checksum(tmp_path):
    (tmp_path / "t.csv").write_bytes(b"anything")
    check_whole(tmp_path / "t.csv", lambda _: pytest.fail("nothing is read"))
