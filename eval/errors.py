"""Where the errors of a run come from: each by the stage that made it and by its kind.

A *miss* is a code of the reference that was not assigned, a *false alarm* an assigned code that the
reference lacks. The stage of a miss is read from the result itself: a node that rejected the code
says so, and what is not among the candidates was not retrieved. A candidate that was never taken up
was under the threshold if it stands among as many first candidates as the note has codes, so that
its place would have done; else it was ranked too low. Misses and false alarms of one note that are
near each other (same category) are told as one confusion, each code in at most one, the closest
first.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeAlias

from eval.code_tree import CodeTree
from eval.error_kinds import CLOSENESS, near_miss
from eval.metrics import normalise
from eval.predictions import match_ids, read_gold
from knowledge.code_systems import ICD10CM
from knowledge.records import read_records

ErrorType: TypeAlias = Literal["miss", "false_alarm"]

# Assertions under which an annotator seldom codes a mention: a kind of false alarm of its own.
_ASSERTIONS = frozenset({"absent", "possible", "historical", "family", "hypothetical"})
_REJECTED_BY = {
    "retrieve": "retrieval_rejected",
    "reason": "reasoning_rejected",
    "policy": "policy_dropped",
    "check": "rule_dropped",
}
COMMONEST = 20


class CodingError(NamedTuple):
    """One wrong decision.

    Attributes:
        note: Note id.
        type: A miss or a false alarm.
        code: The code, dotted.
        stage: What made the error: of a miss ``not_retrieved``, ``ranked_low``,
            ``under_threshold``, ``reasoning_rejected``, ``policy_dropped``, ``rule_dropped``; of a
            false alarm the voice with the highest score behind it.
        kind: How it differs from `instead_of`; without one ``not_in_release``, the assertion of a
            false alarm that is not of a present condition, else ``unrelated``.
        instead_of: The code of the other side that it is confused with.
        rank: Place among the candidates, from 1; None where it is not among them.
        reason: What the result says of a rejected or assigned code.
    """

    note: str
    type: ErrorType
    code: str
    stage: str
    kind: str
    instead_of: str | None
    rank: int | None
    reason: str | None


class ErrorReport(NamedTuple):
    """All errors of a run.

    Attributes:
        notes: Notes of the reference that have a prediction.
        errors: Every error, note by note.
    """

    notes: int
    errors: tuple[CodingError, ...]

    def to_json(self) -> dict[str, Any]:
        """Return counts by type, stage and kind, and the commonest errors, ready for JSON."""
        return {
            "notes": self.notes,
            "misses": self._part("miss"),
            "false_alarms": self._part("false_alarm"),
            "commonest_confusions": [
                {"reference": reference, "assigned": assigned, "kind": kind, "notes": count}
                for (reference, assigned, kind), count in Counter(
                    (e.code, e.instead_of, e.kind)
                    for e in self.errors
                    if e.type == "miss" and e.instead_of
                ).most_common(COMMONEST)
            ],
        }

    def _part(self, kind: ErrorType) -> dict[str, Any]:
        errors = [error for error in self.errors if error.type == kind]
        return {
            "total": len(errors),
            "by_stage": dict(Counter(error.stage for error in errors).most_common()),
            "by_kind": dict(Counter(error.kind for error in errors).most_common()),
            "commonest": dict(Counter(error.code for error in errors).most_common(COMMONEST)),
        }


def find_errors(gold_path: Path, predictions_path: Path, system: ICD10CM) -> ErrorReport:
    """Attribute every error of a file of results.

    Args:
        gold_path: JSONL of ``{"id", "codes": [str, ...]}``.
        predictions_path: Results as ``icd-agent code --out`` writes them. Predictions of another
            system do as well; what they do not tell is left out.
        system: The release of the codes.

    Raises:
        UserError: A file or line cannot be used, or the files share no id.
    """
    gold = read_gold(gold_path)
    rows = {line.value["id"]: line.value for line in read_records(predictions_path)}
    shared = match_ids(gold_path, gold, predictions_path, rows)
    tree = CodeTree(system)
    errors = [
        error
        for note in sorted(shared)
        for error in _Note(note, gold[note], rows[note], tree, system).errors()
    ]
    return ErrorReport(len(shared), tuple(errors))


class _Note:
    """One note's codes on both sides."""

    def __init__(
        self,
        note: str,
        wanted: frozenset[str],
        row: Mapping[str, Any],
        tree: CodeTree,
        system: ICD10CM,
    ) -> None:
        self._note, self._tree, self._system = note, tree, system
        self._assigned = _by_code(row.get("codes"))
        self._rejected = _by_code(row.get("rejected"))
        self._ranks = {code: rank for rank, code in enumerate(_by_code(row.get("candidates")), 1)}
        self._wanted = len(wanted)
        self._misses = sorted(wanted - self._assigned.keys())
        self._alarms = sorted(self._assigned.keys() - wanted)

    def errors(self) -> Iterator[CodingError]:
        confusions = dict(self._confusions())
        for miss in self._misses:
            alarm, kind = confusions.get(miss, (None, None))
            reason = self._rejected.get(miss, {}).get("reason")
            yield self._error("miss", miss, self._stage(miss), kind, alarm, reason)
        of_alarm = {alarm: (miss, kind) for miss, (alarm, kind) in confusions.items()}
        for alarm in self._alarms:
            reference, kind = of_alarm.get(alarm, (None, None))
            entry = self._assigned[alarm]
            stage, reason = _strongest_voice(entry), entry.get("reason")
            assertion = entry.get("assertion")
            kind = kind or (assertion if assertion in _ASSERTIONS else None)
            yield self._error("false_alarm", alarm, stage, kind, reference, reason)

    def _error(
        self,
        type_: ErrorType,
        code: str,
        stage: str,
        kind: str | None,
        instead_of: str | None,
        reason: str | None,
    ) -> CodingError:
        return CodingError(
            note=self._note,
            type=type_,
            code=self._tree.written(code),
            stage=stage,
            kind=kind or ("unrelated" if self._tree.official(code) else "not_in_release"),
            instead_of=self._tree.written(instead_of) if instead_of else None,
            rank=self._ranks.get(code),
            reason=reason,
        )

    def _stage(self, miss: str) -> str:
        rejected = self._rejected.get(miss)
        if rejected:
            return _REJECTED_BY.get(str(rejected.get("stage")), "rejected")
        if miss not in self._ranks:
            return "not_retrieved"
        return "under_threshold" if self._ranks[miss] <= self._wanted else "ranked_low"

    def _confusions(self) -> Iterator[tuple[str, tuple[str, str]]]:
        """Pair misses with false alarms of their category, the closest first."""
        near = []
        for miss, alarm in product(self._misses, self._alarms):
            reference, assigned = self._tree.official(miss), self._tree.official(alarm)
            kind = near_miss(reference, assigned, self._system) if reference and assigned else None
            if kind:
                near.append((CLOSENESS.index(kind), miss, alarm, kind))
        taken: set[str] = set()
        for _, miss, alarm, kind in sorted(near):
            if taken.isdisjoint((miss, alarm)):
                taken |= {miss, alarm}
                yield miss, (alarm, kind)


def _by_code(entries: object) -> dict[str, Mapping[str, Any]]:
    """Return entries by normalised code in their order; a bare code has an empty entry."""
    found: dict[str, Mapping[str, Any]] = {}
    for entry in entries if isinstance(entries, list) else ():
        fields: Mapping[str, Any] = entry if isinstance(entry, dict) else {"code": entry}
        if isinstance(fields.get("code"), str):
            found.setdefault(normalise(fields["code"]), fields)
    return found


def _strongest_voice(entry: Mapping[str, Any]) -> str:
    """Return the voice of a result that speaks loudest for a code; the LLM's is another scale."""
    voices = {name: score for name, score in (entry.get("sources") or {}).items() if name != "llm"}
    return max(voices, key=lambda name: voices[name], default="unknown")
