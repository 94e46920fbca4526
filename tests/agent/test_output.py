import resource
import signal

import pytest

from agent.output import ResultsFile
from agent.result import Result, ResultContext, Usage
from knowledge.errors import UserError


def result(note_id, status="ok"):
    return Result(
        id=note_id,
        status=status,
        context=ResultContext(),
        code_system="ICD-10-CM",
        release="2026-04-01",
        policy="mentions",
        usage=Usage(llm="none"),
    )


def ids(path):
    return [Result.model_validate_json(line).id for line in path.read_text().splitlines()]


def test_results_are_appended_on_resume(tmp_path):
    path = tmp_path / "deep" / "out.jsonl"
    with ResultsFile(path, resume=False) as out:
        out.write(result("a"))
    with ResultsFile(path, resume=True) as out:
        assert out.done == {"a"}
        out.write(result("b"))
    assert ids(path) == ["a", "b"]


def test_an_existing_file_is_not_touched_without_resume(tmp_path):
    path = tmp_path / "out.jsonl"
    path.write_text("keep me")
    with pytest.raises(UserError, match="exists already"):
        ResultsFile(path, resume=False)
    assert path.read_text() == "keep me"


def test_a_torn_line_and_failed_notes_go_when_resuming(tmp_path):
    path = tmp_path / "out.jsonl"
    lines = [result("a"), result("b", "failed"), result("c", "empty")]
    path.write_text("".join(r.model_dump_json() + "\n" for r in lines) + '{"id": "d", "sta')
    with ResultsFile(path, resume=True) as out:
        assert out.done == {"a", "c"}
        out.write(result("b"))
    assert ids(path) == ["a", "c", "b"]


def test_a_file_of_something_else_is_refused_and_kept(tmp_path):
    path = tmp_path / "notes.jsonl"
    path.write_text('{"id": "a", "text": "a note"}\n')
    with pytest.raises(UserError, match="line 1 is no result"):
        ResultsFile(path, resume=True)
    assert path.read_text() == '{"id": "a", "text": "a note"}\n'


def test_a_full_disk_loses_no_finished_line(tmp_path):
    path = tmp_path / "out.jsonl"
    line = len(result("a").model_dump_json()) + 1
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        # The kernel refuses to let the file grow beyond one and a half lines.
        resource.setrlimit(resource.RLIMIT_FSIZE, (line + line // 2, hard))
        with ResultsFile(path, resume=False) as out:
            out.write(result("a"))
            with pytest.raises(UserError, match="results so far are kept"):
                out.write(result("b"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, ignored)
    assert ids(path) == ["a"]
    with ResultsFile(path, resume=True) as out:
        assert out.done == {"a"}
