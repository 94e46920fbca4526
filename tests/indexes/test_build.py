import orjson
import pytest
from click.testing import CliRunner

from indexes.artefacts import Artefacts
from indexes.build import build, encode_rows
from indexes.cli import index
from indexes.dense import DenseIndex
from indexes.measure import (
    Query,
    code_recall,
    default_queries,
    index_recall,
    query_vectors,
    read_queries,
)
from indexes.rows import Row, code_rows, read_rows, write_rows
from knowledge.errors import UserError
from knowledge.note_text import Note


class InterruptedBuildError(Exception):
    pass


def interrupt_after(shards):
    def progress(done, total):
        nonlocal shards
        shards -= 1
        if shards == 0:
            raise InterruptedBuildError

    return progress


def ignore(done, total):
    pass


@pytest.fixture(autouse=True)
def small_shards(monkeypatch, tmp_path):
    monkeypatch.setattr("indexes.build.ROWS_PER_SHARD", 64)
    monkeypatch.setenv("ICD_AGENT_CACHE", str(tmp_path / "cache"))


def test_a_stopped_build_goes_on_and_gives_the_same_bytes(tmp_path, system, encoder, small_content):
    once, twice = Artefacts(tmp_path / "once"), Artefacts(tmp_path / "twice")
    with pytest.raises(InterruptedBuildError):
        build(twice, system, encoder, small_content, interrupt_after(2))
    shards = sorted((tmp_path / "cache" / "embeddings").glob("*.npy"))
    assert len(shards) == 2
    written = [path.stat().st_mtime_ns for path in shards]
    with pytest.raises(UserError, match="manifest"):
        Artefacts.from_directory(twice.directory)
    build(twice, system, encoder, small_content, ignore)
    assert [path.stat().st_mtime_ns for path in shards] == written
    for path in (tmp_path / "cache" / "embeddings").glob("*.npy"):
        path.unlink()
    build(once, system, encoder, small_content, ignore)
    assert once.manifest.read_bytes() == twice.manifest.read_bytes()


def test_progress_counts_rows(tmp_path, encoder, small_content):
    seen = []
    rows = small_content.rows[:150]
    vectors = encode_rows(rows, encoder, tmp_path, lambda *state: seen.append(state))
    assert vectors.shape == (150, encoder.dimension)
    assert seen == [(64, 150), (128, 150), (150, 150)]


def test_rows_survive_writing(tmp_path):
    rows = [Row("title", "A00", "Cholera"), Row("guideline", "I.B.5", "Größe – “quoted”\nline")]
    write_rows(tmp_path / "rows", rows)
    first = (tmp_path / "rows").read_bytes()
    write_rows(tmp_path / "rows", rows)
    assert read_rows(tmp_path / "rows") == rows
    assert (tmp_path / "rows").read_bytes() == first


def test_rows_hold_titles_plain_wordings_and_terms_of_stems(system):
    rows = code_rows(system)
    texts = {(row.key, row.text) for row in rows}
    assert ("I50.9", "Heart failure, unspecified") in texts
    assert ("I50.9", "Heart failure") in texts
    assert ("I50.9", "Congestive heart failure NOS") in texts
    assert ("S72.001", "Fracture of unspecified part of neck of right femur") in texts
    assert not {"S72.001A", "S72.001D"} & {row.key for row in rows}
    assert all(row.key in system for row in rows)
    assert len({(row.key, row.text.lower()) for row in rows}) == len(rows)


def test_exact_index_has_full_recall(small_artefacts, encoder, small_content, tmp_path):
    exact = encode_rows(small_content.rows, encoder, tmp_path, ignore)
    index_ = DenseIndex.load(small_content.rows, small_artefacts.code_index)
    queries = query_vectors(default_queries()[:2], encoder)
    # A code and the code above it may have one wording: which of two equal rows is tenth is open.
    assert index_recall(index_, exact, queries) == pytest.approx({10: 1.0, 100: 1.0}, abs=0.02)


class Fixed:
    """A generator that always gives the same ranking."""

    def __init__(self, name, codes):
        from indexes.candidates import Candidate

        self.name = name
        self._ranking = [Candidate(code, -i, (), {name: -i}) for i, code in enumerate(codes)]

    def candidates(self, note, k):
        return self._ranking[:k]


def test_code_recall_by_hand():
    filler = [f"X{i:02}.{j}" for i in range(10) for j in range(6)]
    queries = [
        Query(Note.parse("a"), frozenset({"A00", "B011"})),
        Query(Note.parse("b"), frozenset({"A00", "C02"})),
    ]
    recall = code_recall(queries, [Fixed("late", [*filler, "A00"]), Fixed("early", ["B01.1"])])
    assert recall["late"] == {50: 0.0, 100: 0.5}
    assert recall["early"] == {50: 0.25, 100: 0.25}
    assert recall["fusion"] == {50: 0.25, 100: 0.75}


def test_queries_are_read_with_their_codes(tmp_path):
    path = tmp_path / "notes.jsonl"
    path.write_text('{"text": "fever", "codes": ["r50.9"]}\n{"text": "cough"}\n', encoding="utf-8")
    assert [q.codes for q in read_queries(path)] == [frozenset({"R509"}), frozenset()]


@pytest.mark.parametrize(
    ("line", "message"),
    [("", "holds no notes"), ('{"codes": []}', "line 1"), ('{"text": "a", "codes": 1}', "line 1")],
)
def test_bad_queries_are_refused(tmp_path, line, message):
    path = tmp_path / "notes.jsonl"
    path.write_text(line, encoding="utf-8")
    with pytest.raises(UserError, match=message):
        read_queries(path)


def test_measure_command_on_a_small_index(small_artefacts, tmp_path):
    path = tmp_path / "notes.jsonl"
    path.write_text('{"text": "Acute heart attack.", "codes": ["I21.9"]}\n', encoding="utf-8")
    arguments = ["measure", "--queries", str(path), "--index", str(small_artefacts.directory)]
    done = CliRunner().invoke(index, [*arguments, "--json"], catch_exceptions=False)
    report = orjson.loads(done.stdout)
    assert report["windows"] == 1
    assert report["code_recall"]["fusion"] == {"50": 1.0, "100": 1.0}
    assert report["index_recall"] == {"10": 1.0, "100": 1.0}


def test_unknown_code_system_is_refused(tmp_path):
    done = CliRunner().invoke(index, ["build", "--code-system", "nope", "--out", str(tmp_path)])
    assert isinstance(done.exception, UserError)
    assert "icd10cm" in str(done.exception)
