"""How well the evidence of assigned codes meets what annotators marked (plausibility).

Judged are the pairs of a note and a code that the system assigned, that the reference holds, and
for which the reference has evidence; a wrong code has no right evidence. Where a data set marks
whole lines (CodiEsp in translation), overlap is the figure that means something; exact match and
words assume that annotators marked phrases (as in MDACE: Cheng et al. 2023, "MDACE: MIMIC
Documents Annotated with Code Evidence", ACL).
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterator
from pathlib import Path
from reprlib import repr as shortened
from typing import Any, NamedTuple

from eval.metrics import DEFAULT_RESAMPLES, Interval, normalise, ratio, ratio_interval
from eval.predictions import match_ids
from indexes.coded_notes import CodedNote, read_coded_notes
from knowledge.errors import UserError
from knowledge.jsonl import JsonLine, line_error
from knowledge.note_text import Span
from knowledge.records import read_records

_WORD = re.compile(r"\w+")
_FIX = (
    'each code needs {"code", "evidence": [{"start": 120, "end": 139}, ...]}, as "code --out" '
    "writes."
)

# Spans by normalised code.
Evidence = dict[str, list[Span]]


class NothingToJudgeError(UserError):
    """No assigned code is in the reference with evidence."""


class EvidenceReport(NamedTuple):
    """Figures over all judged pairs.

    Attributes:
        notes: Notes of the reference that have a prediction.
        judged: Pairs of a note and a code, as in the module's text.
        unsupported: Those among them for which the system gives no evidence.
        overlap: Share of judged pairs with a span that shares a character with a reference span.
        overlap_ci95: Its 95 % bootstrap interval over notes; None where it was not asked for.
        exact: Share of judged pairs with a span that equals a reference span.
        word_precision: Of the words in the system's spans, those in reference spans of that code.
        word_recall: Of the words in reference spans, those in the system's spans of that code.
        word_f1: Their harmonic mean.
    """

    notes: int
    judged: int
    unsupported: int
    overlap: float
    overlap_ci95: Interval | None
    exact: float
    word_precision: float
    word_recall: float
    word_f1: float

    def to_json(self) -> dict[str, Any]:
        """Return the figures under their public names, ready for JSON."""
        interval = self.overlap_ci95
        return {**self._asdict(), "overlap_ci95": list(interval) if interval else None}


class _Pair(NamedTuple):
    """One judged code of a note."""

    found: bool
    overlaps: bool
    equals: bool
    own_words: int
    reference_words: int
    shared_words: int


def score_evidence(
    gold_path: Path, predictions_path: Path, *, resamples: int = DEFAULT_RESAMPLES
) -> EvidenceReport:
    """Compare the evidence of predictions with that of a data set.

    Args:
        gold_path: Data-set JSONL with texts, codes and evidence.
        predictions_path: JSONL of ``{"id", "codes": [{"code", "evidence": [{"start", "end"}]}]}``.
        resamples: Bootstrap samples for the interval of the overlap; 0 leaves it out.

    Raises:
        UserError: A file or line cannot be used, or the files share no id.
        NothingToJudgeError: No assigned code is in the reference with evidence.
    """
    gold = {coded.id: coded for coded in read_coded_notes(gold_path)}
    lines = read_records(predictions_path)
    predictions = {line.value["id"]: _predicted(predictions_path, line) for line in lines}
    shared = match_ids(gold_path, gold, predictions_path, predictions)
    by_note = {id_: list(_pairs(gold[id_], predictions[id_])) for id_ in sorted(shared)}
    pairs = [pair for group in by_note.values() for pair in group]
    if not pairs:
        raise NothingToJudgeError(
            f"no assigned code of {predictions_path} is in {gold_path} with evidence.",
            fix='give a data set whose lines have "evidence", such as CodiEsp or MDACE.',
        )
    hits = [(sum(p.overlaps for p in group), len(group)) for group in by_note.values()]
    own, reference = sum(p.own_words for p in pairs), sum(p.reference_words for p in pairs)
    both = sum(p.shared_words for p in pairs)
    return EvidenceReport(
        notes=len(shared),
        judged=len(pairs),
        unsupported=sum(not p.found for p in pairs),
        overlap=sum(p.overlaps for p in pairs) / len(pairs),
        overlap_ci95=ratio_interval(hits, resamples=resamples),
        exact=sum(p.equals for p in pairs) / len(pairs),
        word_precision=ratio(both, own),
        word_recall=ratio(both, reference),
        word_f1=ratio(2 * both, own + reference),
    )


def _pairs(coded: CodedNote, predicted: Evidence) -> Iterator[_Pair]:
    reference: Evidence = defaultdict(list)
    for code, span in coded.evidence:
        reference[normalise(code)].append(span)
    words = [Span(m.start(), m.end()) for m in _WORD.finditer(coded.note.text)]
    codes = {normalise(code) for code in coded.codes}
    for code in sorted(codes & predicted.keys() & reference.keys()):
        own, marked = predicted[code], reference[code]
        own_words, marked_words = _words_in(own, words), _words_in(marked, words)
        yield _Pair(
            found=bool(own),
            overlaps=any(a.overlaps(b) for a in own for b in marked),
            equals=not set(own).isdisjoint(marked),
            own_words=len(own_words),
            reference_words=len(marked_words),
            shared_words=len(own_words & marked_words),
        )


def _words_in(spans: Collection[Span], words: Collection[Span]) -> set[Span]:
    return {word for word in words if any(word.overlaps(span) for span in spans)}


def _predicted(path: Path, line: JsonLine) -> Evidence:
    found: Evidence = defaultdict(list)
    entries = line.value.get("codes")
    if not isinstance(entries, list):
        raise line_error(path, line.line_number, '"codes" is missing or not a list.', fix=_FIX)
    for entry in entries:
        try:
            spans = [Span(int(s["start"]), int(s["end"])) for s in entry.get("evidence") or ()]
            found[normalise(entry["code"])].extend(spans)
        except (AttributeError, KeyError, TypeError, ValueError):
            problem = f"{shortened(entry)} is not a code with evidence."
            raise line_error(path, line.line_number, problem, fix=_FIX) from None
    return found
