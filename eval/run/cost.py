"""What a system cost: time, tokens, memory, energy, money.

Each process that codes for a system leaves one line, a session; a run that was stopped and went on
has several. Time and tokens of a note stand in its result.
"""

import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from eval.run.files import RunFiles
from knowledge.errors import UserError
from knowledge.jsonl import read_jsonl
from knowledge.strict_yaml import read_yaml

_MILLION = 1e6
_HOUR = 3600.0


class Session(BaseModel):
    """One process that coded notes.

    Attributes:
        notes: Notes it coded.
        load_seconds: Until the first note could begin.
        peak_bytes: Its peak memory.
        energy_kwh: Estimated energy of processor, memory and accelerators; None if not measured.
        model_bytes: Size of the files that the system reads.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    notes: int
    load_seconds: float
    peak_bytes: int
    energy_kwh: float | None
    model_bytes: int


class Prices(BaseModel):
    """A price table; the user writes it, since prices are theirs and change."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    currency: str = "USD"
    machine_hour: float = Field(default=0.0, ge=0, description="Of the machine that codes.")
    million_prompt_tokens: Mapping[str, float] = Field(default={}, description="By LLM spec.")
    million_completion_tokens: Mapping[str, float] = Field(default={}, description="By LLM spec.")


class Cost(NamedTuple):
    """What a system cost.

    Attributes:
        notes_per_second: Over the notes' own time; loading is not in it.
        seconds_p50: Median time of a note.
        seconds_p95: Its 95th percentile.
        llm_calls: LLM calls a note.
        prompt_tokens: Read by the LLM, a note.
        completion_tokens: Written by it, a note.
        load_seconds: Until the first note could begin, the longest session.
        peak_bytes: Peak memory of the process, the largest session.
        energy_wh: Estimated, a note; None where a session did not measure it.
        model_bytes: Size of the files that the system reads.
        price: A note, in the currency of the table; None without a table.
    """

    notes_per_second: float
    seconds_p50: float
    seconds_p95: float
    llm_calls: float
    prompt_tokens: float
    completion_tokens: float
    load_seconds: float
    peak_bytes: int
    energy_wh: float | None
    model_bytes: int
    price: float | None


def read_prices(path: Path) -> Prices:
    """Read a price table.

    Raises:
        UserError: It cannot be read or holds a key or value that there is not.
    """
    fix = "give currency, machine_hour, million_prompt_tokens and million_completion_tokens"
    try:
        return Prices.model_validate(read_yaml(path) or {})
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}.", fix=fix) from error
    except (ValidationError, ValueError) as error:
        first = " ".join(str(error).split())
        raise UserError(f"{path} is no table of prices: {first}", fix=fix) from error


def cost_of(files: RunFiles, system: str, prices: Prices | None) -> Cost | None:
    """Return what a system cost; None where nothing of it is known."""
    if not files.sessions(system).exists():
        return None
    usages = [line.value.get("usage") for line in read_jsonl(files.results(system))]
    known = [usage for usage in usages if usage]
    if not known:
        return None
    sessions = [Session.model_validate(x.value) for x in read_jsonl(files.sessions(system))]
    seconds = sorted(float(usage["seconds"]) for usage in known)
    energy = [session.energy_kwh for session in sessions]
    coded = sum(session.notes for session in sessions)
    return Cost(
        notes_per_second=len(seconds) / sum(seconds),
        seconds_p50=statistics.median(seconds),
        seconds_p95=seconds[min(len(seconds) - 1, int(0.95 * len(seconds)))],
        llm_calls=_mean(known, "llm_calls"),
        prompt_tokens=_mean(known, "prompt_tokens"),
        completion_tokens=_mean(known, "completion_tokens"),
        load_seconds=max(session.load_seconds for session in sessions),
        peak_bytes=max(session.peak_bytes for session in sessions),
        energy_wh=1000 * sum(e for e in energy if e is not None) / coded
        if coded and None not in energy
        else None,
        model_bytes=max(session.model_bytes for session in sessions),
        price=_price(known, prices) if prices else None,
    )


def _mean(usages: Sequence[Mapping[str, Any]], key: str) -> float:
    return statistics.fmean(float(usage.get(key) or 0) for usage in usages)


def _price(usages: Sequence[Mapping[str, Any]], prices: Prices) -> float:
    """Return the price of a note: the machine's time and the tokens of its LLM."""
    total = 0.0
    for usage in usages:
        llm = str(usage.get("llm") or "none")
        total += float(usage["seconds"]) / _HOUR * prices.machine_hour
        for key, table in (
            ("prompt_tokens", prices.million_prompt_tokens),
            ("completion_tokens", prices.million_completion_tokens),
        ):
            total += float(usage.get(key) or 0) / _MILLION * table.get(llm, 0.0)
    return total / len(usages)
