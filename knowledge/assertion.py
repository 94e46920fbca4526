"""Whether a note says that a condition is there: ConText as data (Harkema et al. 2009).

A cue ("denies", "history of", "was ruled out") has a category and a reach inside its sentence; a
mention takes the category of the cues that reach it. The cues are in ``data/assertion_cues.yaml``;
this module matches them, works out their reach and settles conflicts. Codes and coding policy live
elsewhere: "history of hypertension" is `historical` here, the caller knows that it is chronic.

Precedence where several cues reach a mention:
absent > family > hypothetical > possible > historical > present.
Absent stands first because nothing is to be coded then, whoever it is about: "no family history of
cancer" must not become a family history code. Family stands before the rest because the condition
is not the patient's. Within a category the nearest cue is reported.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, NamedTuple, cast, get_args

from knowledge.note_text import Note, Section, Span
from knowledge.phrases import PhraseToken, PhraseTree, phrase_tokens
from knowledge.strict_yaml import read_yaml

Assertion = Literal["present", "absent", "possible", "historical", "family", "hypothetical"]
_Category = Literal["absent", "family", "hypothetical", "possible", "historical", "present", "none"]
_Direction = Literal["forward", "backward", "both", "either"]

_PRECEDENCE: tuple[Assertion, ...] = (
    "absent",
    "family",
    "hypothetical",
    "possible",
    "historical",
    "present",
)


class AssertionFinding(NamedTuple):
    """What the note says about a mention, and why we think so.

    Attributes:
        assertion: The verdict.
        cue: The words that decided, None where none did.
        rule: "cue:<id>" of the cue file, "section:<kind>", or "default".
    """

    assertion: Assertion
    cue: Span | None
    rule: str


def assertion_of(note: Note, span: Span) -> AssertionFinding:
    """Judge one mention; use `AssertionAnnotator` for many of one note."""
    return AssertionAnnotator(note).of(span)


class AssertionAnnotator:
    """Judges mentions of one note; the cues of a sentence are worked out once.

    Args:
        note: The parsed note.
    """

    def __init__(self, note: Note) -> None:
        self._note = note
        self._starts = [sentence.span.start for sentence in note.sentences]
        self._own: dict[int, tuple[_Reach, ...]] = {}

    def of(self, span: Span) -> AssertionFinding:
        """Judge the mention at ``span`` by the sentence it starts in.

        A cue inside the mention is part of the term ("history of falling") and does not count.
        """
        reaching: list[_Reach] = []
        sentence = self._note.sentence_at(span.start)
        if sentence:
            index = bisect_right(self._starts, span.start) - 1
            reaching = [reach for reach in self._reaches(index) if reach.covers(span)]
            reaching = reaching or self._carried(index)
        start = sentence.span.start if sentence else span.start
        return _decide(reaching, span, self._note.speaking_section(start))

    def _reaches(self, index: int) -> tuple["_Reach", ...]:
        if index not in self._own:
            span = self._note.sentences[index].span
            self._own[index] = tuple(_reaches_in(self._note.slice(span), span.start))
        return self._own[index]

    def _carried(self, index: int) -> list["_Reach"]:
        """Return the cues of a line such as "Denies:" that heads the list of this item."""
        sentences = self._note.sentences
        head = index
        while self._is_item(head) and head > 0 and index - head < _LIST_LIMIT:
            head -= 1
            if self._note.text[sentences[head].span.end - 1] == ":":
                break
        if head == index or sentences[head].section != sentences[index].section:
            return []
        end = sentences[head].span.end
        heads = self._note.text[end - 1] == ":"
        return [reach for reach in self._reaches(head) if heads and reach.scope.end == end]

    def _is_item(self, index: int) -> bool:
        span = self._note.sentences[index].span
        return _ITEM.match(self._note.text, span.start, span.end) is not None


def _decide(reaching: Sequence["_Reach"], span: Span, section: Section | None) -> AssertionFinding:
    default = _rules().sections.get(section.kind) if section else None
    for category in _PRECEDENCE:
        found = [reach for reach in reaching if reach.cue.category == category]
        if found:
            nearest = min(found, key=lambda reach: reach.distance(span))
            return AssertionFinding(category, nearest.span, f"cue:{nearest.cue.id}")
        if section and category == default:
            return AssertionFinding(category, None, f"section:{section.kind}")
    return AssertionFinding("present", None, "default")


# --- the cue file -----------------------------------------------------------------------------

_CUES = Path(__file__).parent / "data" / "assertion_cues.yaml"
_ITEM = re.compile(r"(?:[•●▪◦‣·*+–—-]|\(?\d{1,2}[.)])\s")
_LIST_LIMIT = 50  # items that a heading line such as "Denies:" may govern


@dataclass(frozen=True, slots=True)
class _Cue:
    """One entry of the cue file."""

    id: str
    category: _Category
    direction: _Direction = "forward"
    list: Literal["short", "long"] = "short"
    max_tokens: int = 30


class _Rules(NamedTuple):
    """The compiled cue file; a border carries the name of its list of terminators."""

    phrases: PhraseTree[_Cue]
    patterns: tuple[tuple[re.Pattern[str], _Cue], ...]
    borders: PhraseTree[str]
    sections: dict[str, Assertion]


@cache
def _rules() -> _Rules:
    data = cast(dict[str, Any], read_yaml(_CUES))
    if set(data) != {"words", "cues", "terminators", "sections"}:
        raise ValueError(f"{_CUES.name}: expected words, cues, terminators, sections")
    phrases: PhraseTree[_Cue] = PhraseTree(data["words"])
    patterns: list[tuple[re.Pattern[str], _Cue]] = []
    for entry in data["cues"]:
        wording = entry.pop("phrases", None) or entry.pop("regex")
        cue = _checked_cue(entry)
        if isinstance(wording, str):
            patterns.append((re.compile(wording, re.IGNORECASE), cue))
        else:
            for template in wording:
                phrases.add(template, cue)
    borders: PhraseTree[str] = PhraseTree({})
    for applies, templates in data["terminators"].items():
        for template in templates:
            borders.add(template, applies)
    return _Rules(phrases, tuple(patterns), borders, data["sections"])


def _checked_cue(entry: dict[str, Any]) -> _Cue:
    cue = _Cue(**entry)
    if not isinstance(cue.id, str):
        raise ValueError(f"{_CUES.name}: cue id {cue.id!r} is not a word; YAML reads no as false")
    allowed: tuple[tuple[str, tuple[str, ...]], ...] = (
        (cue.category, get_args(_Category)),
        (cue.direction, get_args(_Direction)),
        (cue.list, ("short", "long")),
    )
    for value, values in allowed:
        if value not in values:
            raise ValueError(f"{_CUES.name}: cue {cue.id}: {value!r} is none of {values}")
    return cue


# --- reach ------------------------------------------------------------------------------------

_CONJUNCTIONS = frozenset({"or", "nor", "and/or"})
_BACKWARD_BORDERS = frozenset({"any", "unless_adjacent", "backward"})
_JOINTS = frozenset({",", "and"})
# After these the object of "ruled out" has already been named.
_CLOSERS = frozenset([*".,;)", "and", "at", "based", "by", "in", "on", "via", "with"])
_OPENERS = frozenset({":", "-", "•", ".", ")"})


class _Reach(NamedTuple):
    """A cue of the note and the stretch before or after it that it speaks of."""

    cue: _Cue
    span: Span
    scope: Span

    def covers(self, mention: Span) -> bool:
        """Say whether the mention starts (after the cue) or ends (before it) in the scope.

        A mention may begin inside a negation: "no family history of" speaks of the finding "family
        history of RA".
        """
        if self.scope.start >= self.span.end:
            negated = self.cue.category == "absent" and mention.end > self.scope.start
            first = self.span.start + 1 if negated else self.scope.start
            return first <= mention.start < self.scope.end
        return self.scope.start < mention.end <= self.scope.end

    def distance(self, mention: Span) -> int:
        """Return the number of characters between cue and mention."""
        return max(mention.start - self.span.end, self.span.start - mention.end)


class _Match(NamedTuple):
    """A cue at tokens ``[first, last)``."""

    first: int
    last: int
    cue: _Cue


def _reaches_in(sentence: str, offset: int) -> Iterator[_Reach]:
    """Yield the cues of one sentence with their scopes, as spans of the note."""
    tokens = phrase_tokens(sentence)
    clause = _Clauses(tokens, _matches(sentence, tokens))
    for match in clause.matches:
        if match.cue.category == "none":
            continue
        for first, last in clause.scopes(match):
            if first < last:
                span = Span(offset + tokens[match.first].start, offset + tokens[match.last - 1].end)
                scope = Span(offset + tokens[first].start, offset + tokens[last - 1].end)
                yield _Reach(match.cue, span, scope)


def _matches(sentence: str, tokens: Sequence[PhraseToken]) -> list[_Match]:
    """Return the cues from left to right, the longest where two overlap."""
    rules = _rules()
    starts = [token.start for token in tokens]
    found: list[_Match] = []
    for at in range(len(tokens)):
        longest = rules.phrases.longest(tokens, at)
        if longest:
            found.append(_Match(at, *longest))
    for pattern, cue in rules.patterns:
        for hit in pattern.finditer(sentence):
            first, last = bisect_left(starts, hit.start()), bisect_left(starts, hit.end())
            found.append(_Match(first, last, cue))
    kept: list[_Match] = []
    for match in sorted(found, key=lambda match: (match.first, -match.last)):
        if match.first < match.last and (not kept or match.first >= kept[-1].last):
            kept.append(match)
    return kept


class _Clauses:
    """The borders of one sentence, and how far each cue gets between them."""

    def __init__(self, tokens: Sequence[PhraseToken], matches: list[_Match]) -> None:
        self.matches = matches
        self._tokens = tokens
        self._words = [token.text for token in tokens]
        inside = {at for match in matches for at in range(match.first, match.last)}
        self._starting = {match.first: match for match in matches}
        self._borders: dict[int, tuple[int, str]] = {}  # first token: (end, list)
        for at in range(len(tokens)):
            border = None if at in inside else _rules().borders.longest(tokens, at)
            if border:
                self._borders[at] = border

    def scopes(self, match: _Match) -> Iterator[tuple[int, int]]:
        """Yield the token ranges a cue speaks of."""
        direction = match.cue.direction
        if direction == "either":
            direction = "backward" if self._closes_clause(match) else "forward"
        if direction != "backward":
            yield match.last, self._end(match)
        if direction != "forward":
            yield self._start(match), match.first

    def _closes_clause(self, match: _Match) -> bool:
        after = self._words[match.last : match.last + 1]
        return not after or match.last in self._borders or after[0] in _CLOSERS

    def _end(self, match: _Match) -> int:
        end = min(len(self._tokens), match.last + match.cue.max_tokens)
        for at in range(match.last, end):
            if self._is_border(at, match):
                end = at
                break
        for at in range(match.last, end):
            later = self._starting.get(at)
            if later and self._cuts(match.cue, later, end):
                end = at
                break
        return end if match.cue.list == "long" else self._list_end(match, end)

    def _is_border(self, at: int, match: _Match) -> bool:
        _, applies = self._borders.get(at, (at, ""))
        if applies == "unless_adjacent":
            return at > match.last
        return applies in ("any", match.cue.category)

    def _cuts(self, cue: _Cue, later: _Match, end: int) -> bool:
        """Say whether a later cue takes over ("no fever, possible pneumonia")."""
        if later.cue.direction == "backward" or later.cue.category in ("none", cue.category):
            return False
        if later.cue.category == "present":
            return True
        takes_over = cue.category != "family" and later.cue.category != "absent"
        joined = self._words[later.first - 1] in _JOINTS
        return takes_over and joined and _CONJUNCTIONS.isdisjoint(self._words[later.last : end])

    def _list_end(self, match: _Match, end: int) -> int:
        """Stop a short cue at the first comma, unless what follows is plainly its list."""
        words = self._words[match.last : end]
        if "," not in words:
            return end
        comma = words.index(",")
        alternatives = [at for at, word in enumerate(words) if word in _CONJUNCTIONS and at > comma]
        if alternatives:
            rest = words[alternatives[-1] :]
            return match.last + alternatives[-1] + rest.index(",") if "," in rest else end
        if match.cue.category == "absent" and self._opens_clause(match.first):
            return end
        return match.last + comma

    def _opens_clause(self, first: int) -> bool:
        before = self._words[max(0, first - 2) : first]
        return not before or before[-1] in _OPENERS or before[0] == "there"

    def _start(self, match: _Match) -> int:
        start = max(0, match.first - match.cue.max_tokens)
        for at in range(start, match.first):
            last, applies = self._borders.get(at, (at, ""))
            if applies in _BACKWARD_BORDERS:
                start = min(last, match.first)
            earlier = self._starting.get(at)
            if earlier and earlier.cue.category == "present":
                # "Diagnosed with lupus 13 years ago" dates a disease that lasts.
                lasts = match.cue.category == "historical"
                start = match.first if lasts else earlier.last
        words = self._words[start : match.first]
        commas = [at for at, word in enumerate(words) if word == ","]
        # "a, b and c were excluded" is a list, "b present, c was excluded" is not.
        if commas and not {"and", *_CONJUNCTIONS} & set(words[commas[-1] :]):
            start += commas[-1] + 1
        return start
