"""Runs a recorded run again, with the answers of its trace in place of the LLM."""

from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError

from agent.coder import Coder, CoderOptions
from agent.request import CodingRequest
from agent.result import Result
from agent.settings import Settings
from agent.trace.diff import TraceDiff, diff_traces
from agent.trace.events import LLMCall, RunEnd, RunStart
from agent.trace.reader import read_trace, run_start
from knowledge.errors import UserError


class Replay(NamedTuple):
    """A repeated run.

    Attributes:
        result: What it gives; its trace is the one that was replayed.
        diff: Where it parts from the recorded run, which is the first of the two.
    """

    result: Result
    diff: TraceDiff


def replay(path: Path, index: Path | None = None) -> Replay:
    """Run a recorded run again: the note, the encounter and the settings are those of its trace.

    Args:
        path: The trace.
        index: Folder of search indexes as for `agent.coder.CoderOptions`.

    Raises:
        UserError: The file is no trace of a finished run, its settings are those of another
            version, or a prompt differs from the recorded ones.
    """
    recorded = read_trace(path)
    start = run_start(recorded, path)
    end = next((e for e in recorded if isinstance(e, RunEnd)), None)
    if end is None:
        raise UserError(
            f"{path} holds no result: its run did not finish",
            fix="code the note anew: icd-agent code NOTE --trace DIR",
        )
    options = CoderOptions(
        llm=f"replay:{path}" if any(isinstance(e, LLMCall) for e in recorded) else "none",
        policy=end.result.policy,
        index=index,
        top_candidates=len(end.result.candidates),
        settings=_settings(start, path),
    )
    request = CodingRequest(start.note_id, start.note, end.result.context)
    traced = Coder(options).code_traced(request)
    diff = diff_traces(recorded, traced.events)
    return Replay(traced.result.model_copy(update={"trace": str(path)}), diff)


def _settings(start: RunStart, path: Path) -> Settings:
    """Return the settings of a recorded run."""
    recorded = {k: v for k, v in start.settings.items() if k not in ("policy", "encounter")}
    try:
        return Settings.model_validate(recorded)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise UserError(
            f"{path}: setting {where} is not one of this version: {first['msg']}",
            fix=f"replay with icd-agent {start.versions.get('icd-agent', 'of the trace')}",
        ) from error
