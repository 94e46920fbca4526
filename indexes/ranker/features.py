"""What the ranker sees of a candidate: numbers about a code in a note.

Everything that is learned from coded notes (scores of the learned generators, counts of codes) must
come from notes other than the one at hand, else the ranker trusts it too much: see
`indexes.ranker.train`.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from indexes.candidates import Candidate, Mention
from indexes.plm_icd.labels import category_of
from indexes.ranker.priors import CodePriors
from indexes.ranker.track_record import Proposal
from indexes.tokens import text_stems
from knowledge.assertion import Assertion, AssertionAnnotator
from knowledge.code_systems.base import CodeSystem
from knowledge.note_text import Note, Span

Rankings = Mapping[str, Sequence[Candidate]]

# Generators that know a code from coded notes alone.
LEARNED = frozenset({"mentions", "lines", "plm_icd"})
# Generators whose mentions are the words of a finding; those of the others are clauses or lines.
EXACT = ("mentions", "terms", "figures", "circumstances")
# Generators that rank all codes of a release have a record of their first places alone.
_RECORDED_PLACES = 15
# Whose best score within a code's category and at a code's words tells how contested it is.
_CONTESTING = ("mentions", "terms", "lines")
_ASSERTIONS: Mapping[Assertion, float] = {
    "present": 0.0,
    "historical": 1.0,
    "possible": 2.0,
    "hypothetical": 3.0,
    "family": 4.0,
    "absent": 5.0,
}


class FeatureTable(NamedTuple):
    """The candidates of a note as the ranker sees them.

    Attributes:
        codes: The candidates, in alphabetic order.
        values: Their features, shape (codes, features); nan where there is nothing to tell.
    """

    codes: list[str]
    values: NDArray[np.float32]


class FeatureBuilder:
    """Turns rankings of one note into features.

    Args:
        system: The code system of the candidates.
        priors: Counts of codes in training notes.
        names: Features in the order of the ranker; None takes all there are, sorted.
    """

    def __init__(
        self, system: CodeSystem, priors: CodePriors, names: Sequence[str] | None = None
    ) -> None:
        self._system = system
        self._priors = priors
        self._names = names

    def named(self, note: Note, rankings: Rankings) -> dict[str, dict[str, float]]:
        """Return the features of each candidate by name; features that are absent are left out."""
        view = _NoteView(note, rankings)
        return {code: self._features(code, view) for code in sorted(view.found)}

    def table(self, note: Note, rankings: Rankings) -> FeatureTable:
        """Return the features of each candidate in the order of the ranker."""
        named = self.named(note, rankings)
        names = self._names or sorted({name for values in named.values() for name in values})
        values = [[found.get(name, math.nan) for name in names] for found in named.values()]
        shape = (len(named), len(names))
        return FeatureTable(list(named), np.array(values, dtype=np.float32).reshape(shape))

    def _features(self, code: str, view: "_NoteView") -> dict[str, float]:
        return {
            **_voices(code, view),
            **_contest(code, view),
            **self._prior_features(code),
            **self._record_features(code, view),
            **self._code_features(code, view),
            **_place(code, view),
        }

    def _prior_features(self, code: str) -> dict[str, float]:
        priors = self._priors
        count = priors.counts.get(code, 0)
        of_category = priors.category_counts.get(category_of(code), 0)
        return {
            "prior": count / max(priors.notes, 1),
            "prior.category": of_category / max(priors.notes, 1),
            "prior.share": count / (of_category + 1),
        }

    def _record_features(self, code: str, view: "_NoteView") -> dict[str, float]:
        """Tell what came of such proposals in the training notes, generator by generator."""
        record = self._priors.record
        values: dict[str, float] = {}
        for name, (_, candidate) in view.found[code].items():
            if name not in record.totals:
                continue
            total, tally = record.totals[name], record.of_code(name, code)
            values[f"{name}.proposed"] = float(tally.proposed)
            values[f"{name}.record"] = tally.share_right(total)
            values[f"{name}.record_category"] = tally.share_near(total)
            if wording := _wording(name, candidate):
                tally = record.of_wording(name, code, wording)
                values[f"{name}.record_wording"] = tally.share_right(total)
        return values

    def _code_features(self, code: str, view: "_NoteView") -> dict[str, float]:
        entry = self._system.get(code)
        stems = _title_stems(entry.title)
        return {
            "code.length": float(len(code)),
            "code.billable": float(entry.billable),
            "code.unspecified": float("unspecified" in entry.title.lower()),
            "code.chapter": float(ord(code[0])),
            "title.overlap": len(stems & view.stems) / max(len(stems), 1),
            "title.stems": float(len(stems)),
            "note.length": float(len(view.note.text)),
        }


def proposals(rankings: Rankings) -> Iterator[Proposal]:
    """Yield what a ranker keeps a record of: the proposals of the untrained generators.

    Args:
        rankings: What `indexes.ranker.pool.pool` returned for a note.
    """
    for name, ranking in rankings.items():
        if name not in LEARNED:
            counted = ranking if name in EXACT else ranking[:_RECORDED_PLACES]
            for candidate in counted:
                yield Proposal(name, candidate.code, _wording(name, candidate))


class _NoteView:
    """The rankings of a note, arranged for looking up one code after the other."""

    def __init__(self, note: Note, rankings: Rankings) -> None:
        self.note = note
        self.stems = text_stems(note.text)
        self.annotator = AssertionAnnotator(note)
        self.found: dict[str, dict[str, tuple[int, Candidate]]] = defaultdict(dict)
        for name, ranking in rankings.items():
            for rank, candidate in enumerate(ranking):
                self.found[candidate.code].setdefault(name, (rank, candidate))
        self.by_category: dict[str, list[str]] = defaultdict(list)
        for code in sorted(self.found):
            self.by_category[category_of(code)].append(code)
        self._spans = _spans_by_sentence(note, rankings)

    def score(self, code: str, name: str) -> float:
        """Return the score of a generator for a code, 0 where it does not propose it."""
        found = self.found[code].get(name)
        return found[1].score if found else 0.0

    def rivals(self, span: Span, code: str) -> Iterable[tuple[str, Mention]]:
        """Yield the mentions of other codes that share words with a span."""
        for other, mention in self._spans.get(_sentence_key(self.note, span), ()):
            if other != code and mention.span.overlaps(span):
                yield other, mention


def _wording(generator: str, candidate: Candidate) -> str:
    """Return the wording of the best mention; "" of a generator whose mentions are not words."""
    exact = generator in EXACT and candidate.mentions
    return candidate.mentions[0].term.lower() if exact else ""


def _voices(code: str, view: _NoteView) -> dict[str, float]:
    values: dict[str, float] = {}
    for name, (rank, candidate) in view.found[code].items():
        values[name] = candidate.score
        values[f"{name}.rank"] = float(rank)
        for feature, value in candidate.features.items():
            values[f"{name}.{feature}"] = value
    values["voices"] = float(len(view.found[code]))
    return values


def _contest(code: str, view: _NoteView) -> dict[str, float]:
    """Tell how strong other codes of the category are, voice by voice."""
    siblings = [other for other in view.by_category[category_of(code)] if other != code]
    values = {"siblings": float(len(siblings))}
    for name in _CONTESTING:
        best = max((view.score(other, name) for other in siblings), default=0.0)
        values[f"{name}.sibling"] = best
        values[f"{name}.lead"] = view.score(code, name) - best
    return values


def _place(code: str, view: _NoteView) -> dict[str, float]:
    """Tell where the best words of a code stand, what is said of them, who else claims them."""
    mention = _best_mention(view.found[code])
    if mention is None:
        return {}
    span = mention.span
    rivals = dict.fromkeys(EXACT[:2], 0.0)
    longer = 0.0
    for _, other in view.rivals(span, code):
        rivals[other.source] = max(rivals.get(other.source, 0.0), other.score)
        wider = other.span.end - other.span.start > span.end - span.start
        longer = max(longer, other.score if wider else 0.0)
    return {
        "place": span.start / max(len(view.note.text), 1),
        "place.length": float(span.end - span.start),
        "place.exact": float(mention.source in EXACT),
        "place.assertion": _ASSERTIONS[view.annotator.of(span).assertion],
        "place.longer_rival": longer,
        "place.mentions": float(sum(len(c.mentions) for _, c in view.found[code].values())),
        **{f"place.rival.{name}": score for name, score in rivals.items()},
    }


def _best_mention(found: Mapping[str, tuple[int, Candidate]]) -> Mention | None:
    """Return the best mention of the most exact generator that has one."""
    order = [*EXACT, *sorted(found.keys() - set(EXACT))]
    for name in order:
        if name in found and found[name][1].mentions:
            return found[name][1].mentions[0]
    return None


def _spans_by_sentence(
    note: Note, rankings: Rankings
) -> Mapping[int, Sequence[tuple[str, Mention]]]:
    spans: dict[int, list[tuple[str, Mention]]] = defaultdict(list)
    for name in EXACT:
        for candidate in rankings.get(name, ()):
            for mention in candidate.mentions:
                spans[_sentence_key(note, mention.span)].append((candidate.code, mention))
    return spans


def _sentence_key(note: Note, span: Span) -> int:
    """Return what identifies the sentence of a span."""
    sentence = note.sentence_at(span.start)
    return sentence.span.start if sentence else -1


@lru_cache(maxsize=100_000)
def _title_stems(title: str) -> frozenset[str]:
    return text_stems(title)
