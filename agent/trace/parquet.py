"""Traces as Parquet tables, one row a run, code, decision, question, tool call or visit of a node.

The tables are joined by ``run``, the number of a trace among those exported, from 0; ``event`` is
the id of the event in its trace. Neither note nor prompts are in them.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from agent.trace.facts import RunFacts, gather
from agent.trace.reader import read_raw
from knowledge.errors import UserError

try:
    import pyarrow as arrow
    from pyarrow import parquet
except ImportError as error:
    raise UserError(
        "trace export parquet needs pyarrow", fix="pip install 'icd-agent[parquet]'"
    ) from error

_TEXT, _WHOLE, _REAL = arrow.string(), arrow.int64(), arrow.float64()
_SCORES = arrow.list_(arrow.struct([("name", _TEXT), ("score", _REAL)]))
_OPTIONS = arrow.list_(arrow.struct([("action", _TEXT), ("code", _TEXT), ("score", _REAL)]))
_OF_EVENT = [("run", _WHOLE), ("event", _WHOLE), ("parent", _WHOLE), ("node", _TEXT), ("at", _REAL)]

TABLES: Mapping[str, arrow.Schema] = {
    "runs": arrow.schema(
        [
            ("run", _WHOLE),
            ("path", _TEXT),
            ("note_id", _TEXT),
            ("started", _TEXT),
            ("policy", _TEXT),
            ("llm", _TEXT),
            ("model", _TEXT),
            ("release", _TEXT),
            ("version", _TEXT),
            ("status", _TEXT),
            ("seconds", _REAL),
            ("revisions", _WHOLE),
            ("codes", _WHOLE),
            ("llm_calls", _WHOLE),
            ("prompt_tokens", _WHOLE),
            ("cached_tokens", _WHOLE),
            ("completion_tokens", _WHOLE),
        ]
    ),
    "codes": arrow.schema(
        [
            ("run", _WHOLE),
            ("place", _WHOLE),
            ("code", _TEXT),
            ("role", _TEXT),
            ("confidence", _REAL),
            ("entered_node", _TEXT),
            ("entered_action", _TEXT),
            ("entered_from", _TEXT),
            ("rank", _WHOLE),
            ("voices", arrow.list_(_TEXT)),
        ]
    ),
    "decisions": arrow.schema(
        [
            *_OF_EVENT,
            ("code", _TEXT),
            ("action", _TEXT),
            ("stage", _TEXT),
            ("replacement", _TEXT),
            ("rule", _TEXT),
            ("citation", _TEXT),
            ("card", _TEXT),
            ("reason", _TEXT),
            ("threshold", _REAL),
            ("options", _OPTIONS),
            ("voices", _SCORES),
        ]
    ),
    "llm_calls": arrow.schema(
        [
            *_OF_EVENT,
            ("call", _TEXT),
            ("purpose", _TEXT),
            ("prompt_sha256", _TEXT),
            ("logprobs", _SCORES),
            ("prompt_tokens", _WHOLE),
            ("cached_tokens", _WHOLE),
            ("completion_tokens", _WHOLE),
            ("seconds", _REAL),
            ("model", _TEXT),
        ]
    ),
    "tool_calls": arrow.schema(
        [*_OF_EVENT, ("tool", _TEXT), ("findings", _WHOLE), ("seconds", _REAL)]
    ),
    "nodes": arrow.schema([*_OF_EVENT, ("tokens", _WHOLE), ("seconds", _REAL)]),
}
_OF_KIND = {
    "decision": "decisions",
    "llm_call": "llm_calls",
    "tool_call": "tool_calls",
    "node_end": "nodes",
}
_Row = dict[str, Any]


def write_tables(paths: Iterable[Path], folder: Path) -> dict[str, int]:
    """Write the tables of traces into a folder, one run after the other; return rows by table.

    Raises:
        UserError: A file is no trace, or the folder cannot be written.
    """
    rows = dict.fromkeys(TABLES, 0)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _Writers(folder) as writers:
            for run, path in enumerate(paths):
                for table, of_run in _tables(run, path).items():
                    writers.write(table, of_run)
                    rows[table] += len(of_run)
    except OSError as error:
        raise UserError(
            f"cannot write {folder}: {error.strerror}", fix="name a writable folder: --out DIR"
        ) from error
    return rows


def _tables(run: int, path: Path) -> dict[str, list[_Row]]:
    """Return the rows of one trace by table."""
    tables: dict[str, list[_Row]] = {name: [] for name in TABLES}

    def noted() -> Iterator[Mapping[str, Any]]:
        for event in read_raw(path):
            table = _OF_KIND.get(event["event"])
            if table:
                tables[table].append(_row(run, event, TABLES[table]))
            yield event

    facts = gather(noted(), path)
    tables["runs"].append(_run_row(run, facts))
    tables["codes"].extend(_code_rows(run, facts))
    return tables


def _row(run: int, event: Mapping[str, Any], schema: arrow.Schema) -> _Row:
    row = {name: event.get(name) for name in schema.names}
    row.update(run=run, event=event["id"])
    for name in ("logprobs", "voices"):
        if scores := row.get(name):
            row[name] = [{"name": key, "score": value} for key, value in scores.items()]
    if "findings" in row:
        row["findings"] = len(event["result"])
    return row


def _run_row(run: int, facts: RunFacts) -> _Row:
    use = facts.llm_use
    row = {name: getattr(facts, name, None) for name in TABLES["runs"].names}
    row.update(
        run=run,
        path=str(facts.path),
        codes=len(facts.codes),
        llm_calls=use.calls,
        prompt_tokens=use.prompt_tokens,
        cached_tokens=use.cached_tokens,
        completion_tokens=use.completion_tokens,
    )
    return row


def _code_rows(run: int, facts: RunFacts) -> Iterator[_Row]:
    for place, code in enumerate(facts.codes, 1):
        entry = code.entry
        yield {
            "run": run,
            "place": place,
            "code": code.code,
            "role": code.role,
            "confidence": code.confidence,
            "entered_node": entry and entry.node,
            "entered_action": entry and entry.action,
            "entered_from": entry and entry.origin,
            "rank": code.rank,
            "voices": list(code.voices),
        }


class _Writers:
    """One Parquet file a table, written run by run."""

    def __init__(self, folder: Path) -> None:
        self._writers = {
            name: parquet.ParquetWriter(folder / f"{name}.parquet", schema)
            for name, schema in TABLES.items()
        }
        self._waiting: dict[str, list[_Row]] = {name: [] for name in TABLES}

    def __enter__(self) -> "_Writers":
        return self

    def __exit__(self, *error: object) -> None:
        for name, writer in self._writers.items():
            self._flush(name)
            writer.close()

    def write(self, table: str, rows: list[_Row]) -> None:
        """Add rows; they go to the file when there are enough for a row group."""
        self._waiting[table].extend(rows)
        if len(self._waiting[table]) >= _ROW_GROUP:
            self._flush(table)

    def _flush(self, table: str) -> None:
        rows = self._waiting[table]
        if rows:
            self._writers[table].write_table(arrow.Table.from_pylist(rows, TABLES[table]))
            rows.clear()


_ROW_GROUP = 50_000  # rows; small groups make a file large and slow to read
