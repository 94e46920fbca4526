"""A clinical note as text: spans, sections, sentences, with offsets into the text as given.

No model and no spaCy: a section is opened by a line that reads like a US hospital heading, a
sentence ends by punctuation, list structure or a line that is complete. What a section or a cue
means for a diagnosis lives in `knowledge.assertion`, not here.

Sentences come from a splitter of our own. sentencex 1.0, the maintained light library, was measured
first: it keeps list items and the lines around them in one sentence, cuts after "mg." and "Cr.",
and does not end a sentence before a figure ("Hypertension. 2.5 mg daily").
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Literal, NamedTuple, Self, get_args

from knowledge.strict_yaml import read_yaml

SectionKind = Literal[
    "chief_complaint",
    "history_present",
    "past_history",
    "family_history",
    "social_history",
    "review_of_systems",
    "medications",
    "allergies",
    "exam",
    "results",
    "procedures",
    "hospital_course",
    "diagnoses",
    "assessment",
    "plan",
    "disposition",
    "other",
]


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Half-open range ``[start, end)`` of str offsets into a note.

    Raises:
        ValueError: If ``start`` is negative or after ``end``.
    """

    start: int
    end: int

    def __post_init__(self) -> None:
        if not 0 <= self.start <= self.end:
            raise ValueError(f"not a span: start {self.start}, end {self.end}")

    def __len__(self) -> int:
        return self.end - self.start

    def overlaps(self, other: "Span") -> bool:
        """Say whether the two share at least one character."""
        return max(self.start, other.start) < min(self.end, other.end)

    def contains(self, other: "Span") -> bool:
        """Say whether ``other`` lies inside, borders included."""
        return self.start <= other.start and other.end <= self.end


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the note under one heading.

    Attributes:
        title: The heading as written, without markup and colon; "" for text before any heading.
        kind: What the heading announces.
        span: The whole section, heading included.
        body: What follows the heading.
    """

    title: str
    kind: SectionKind
    span: Span
    body: Span


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence, list item or table line, without white space around it.

    Attributes:
        span: Where it stands.
        section: Index into ``Note.sections``.
    """

    span: Span
    section: int


@dataclass(frozen=True, slots=True)
class Note:
    """A parsed note: sections partition the text, sentences are ordered and disjoint."""

    id: str
    text: str
    sections: tuple[Section, ...]
    sentences: tuple[Sentence, ...]

    @classmethod
    def parse(cls, text: str, note_id: str = "note") -> Self:
        """Find sections and sentences.

        Args:
            text: The note exactly as given; any string parses.
            note_id: How the note is called in results and traces.
        """
        sections = tuple(_sections(text))
        sentences = tuple(
            Sentence(span, index)
            for index, section in enumerate(sections)
            for span in _section_sentences(text, section)
        )
        return cls(note_id, text, sections, sentences)

    def slice(self, span: Span) -> str:
        """Return the characters of ``span``.

        Raises:
            ValueError: If the span ends after the note.
        """
        if span.end > len(self.text):
            raise ValueError(f"span ends at {span.end}, the note at {len(self.text)}")
        return self.text[span.start : span.end]

    def section_at(self, offset: int) -> Section:
        """Return the section that holds the character; the end of the note is in the last one.

        Raises:
            ValueError: If ``offset`` is outside the note.
        """
        if not 0 <= offset <= len(self.text):
            raise ValueError(f"offset {offset} is outside the note of {len(self.text)} characters")
        return self.sections[bisect_right(self.sections, offset, key=_section_start) - 1]

    def speaking_section(self, offset: int) -> Section | None:
        """Return the section whose heading speaks for the line at ``offset``, None where none does.

        "Family history: ..." with its text on the same line speaks for that line: in a narrative
        note no other heading may follow, and the rest is about the patient again.

        Raises:
            ValueError: If ``offset`` is outside the note.
        """
        section = self.section_at(offset)
        before = self.text[section.body.start : offset]
        inline = "\n" not in self.text[section.span.start : section.body.start].lstrip()
        return None if inline and "\n" in before.strip(" \t") else section

    def sentence_at(self, offset: int) -> Sentence | None:
        """Return the sentence that holds the character, or None between sentences."""
        index = bisect_right(self.sentences, offset, key=_sentence_start) - 1
        if index < 0 or offset >= self.sentences[index].span.end:
            return None
        return self.sentences[index]


def _section_start(section: Section) -> int:
    return section.span.start


def _sentence_start(sentence: Sentence) -> int:
    return sentence.span.start


# --- headings ---------------------------------------------------------------------------------

_VOCABULARY = Path(__file__).parent / "data" / "section_headers.yaml"
_TITLE_LIMIT = 70  # characters; longer text before a colon is a sentence
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|\Z)")
_MARKUP = re.compile(r"[ \t\xa0]*(?:#{1,6}[ \t]*|={2,}[ \t]*)?(?:\*{2,3}|__|\[)?")
_CLOSING = re.compile(r"[ \t]*(?:\*{2,3}|__|\])?[ \t]*")
_EDGES = " \t\r\n\xa0*_=[]#"
_JOINERS = re.compile(r"\s*[&/+]\s*")
_PARENTHESIS = re.compile(r"\([^()]*\)")
# A figure that does not open a sentence about a person of that age ("S: 58 y.o. here for ...").
_VALUE = re.compile(r" ?\d++(?:[.,/]\d+)?+(?! ?(?:-?year|yo\b|y\.?o|y/o|yr|[MF]\b))", re.I)
# Problem headings stand in capitals inside these; they subdivide them and keep their kind.
_PROBLEM_ORIENTED: frozenset[SectionKind] = frozenset({"assessment", "hospital_course"})


class _Headings(NamedTuple):
    """The vocabulary of headings, keys normalised."""

    kinds: dict[str, SectionKind]
    qualifiers: tuple[str, ...]
    nested: dict[str, dict[str, SectionKind]]
    inline_stays: dict[str, frozenset[str]]
    subheadings: frozenset[str]


class _Heading(NamedTuple):
    """A heading found: where its section and its body begin."""

    start: int
    title: Span
    body_start: int
    kind: SectionKind


@cache
def _headings() -> _Headings:
    data = read_yaml(_VOCABULARY)
    if not isinstance(data, dict):
        raise TypeError(f"{_VOCABULARY.name}: not a mapping")
    unknown = set(data) - {"headers", "qualifiers", "nested", "inline_stays", "subheadings"}
    unknown |= set(data["headers"]) - set(get_args(SectionKind))
    if unknown:
        raise ValueError(f"{_VOCABULARY.name}: unknown keys {sorted(unknown)}")
    kinds: dict[str, SectionKind] = {}
    for kind, titles in data["headers"].items():
        for title in titles:
            if kinds.setdefault(title, kind) != kind:
                raise ValueError(
                    f"{_VOCABULARY.name}: {title!r} has two kinds, {kinds[title]}, {kind}"
                )
    return _Headings(
        kinds,
        tuple(data["qualifiers"]),
        data["nested"],
        {kind: frozenset(titles) for kind, titles in data["inline_stays"].items()},
        frozenset(data["subheadings"]),
    )


def _normal_title(raw: str) -> str:
    title = _PARENTHESIS.sub(" ", raw) if "(" in raw else raw
    return " ".join(_JOINERS.sub(" and ", title).casefold().replace("’", "'").split())


def _kind_of(title: str) -> SectionKind | None:
    """Return the kind a normalised title announces, if it is a known heading."""
    vocabulary = _headings()
    if title in vocabulary.kinds:
        return vocabulary.kinds[title]
    for qualifier in vocabulary.qualifiers:
        for rest in (title.removeprefix(qualifier + " "), title.removesuffix(" " + qualifier)):
            if rest != title and rest in vocabulary.kinds:
                return vocabulary.kinds[rest]
    parts = [vocabulary.kinds.get(part) for part in re.split(r" and |, ", title)]
    return parts[0] if len(parts) > 1 and None not in parts else None


def _sections(text: str) -> Iterator[Section]:
    found = list(_find_headings(text))
    starts = [heading.start for heading in found]
    if not found or text[: starts[0]].strip():
        end = starts[0] if found else len(text)
        yield Section("", "other", Span(0, end), Span(0, end))
    else:
        starts[0] = 0  # white space before the first heading belongs to it
    for heading, (start, end) in zip(found, pairwise([*starts, len(text)]), strict=True):
        title = text[heading.title.start : heading.title.end]
        yield Section(title, heading.kind, Span(start, end), Span(heading.body_start, end))


def _find_headings(text: str) -> Iterator[_Heading]:
    kind: SectionKind = "other"
    previous = ""
    for line in _LINE.finditer(text):
        for heading in _line_headings(text, line.start(), line.end(), previous, kind):
            kind = heading.kind
            yield heading
        previous = line[0].rstrip()


def _line_headings(
    text: str, start: int, end: int, previous: str, kind: SectionKind
) -> Iterator[_Heading]:
    """Yield the headings of one line: the line itself, or titles before a colon."""
    whole = _whole_line_heading(text, start, end, previous, kind)
    if whole:
        yield whole
        return
    floor = start
    colon = text.find(":", start, end)
    while colon >= 0:
        heading = _inline_heading(text, floor, colon, end, kind, first=floor == start)
        if heading:
            kind = heading.kind
            yield heading
        floor = colon + 1
        colon = text.find(":", floor, end)


def _title_span(text: str, start: int, end: int) -> Span:
    begin = _MARKUP.match(text, start, end).end()  # type: ignore[union-attr]  # matches "" too
    raw = text[begin:end]
    return Span(begin, begin + max(len(raw.rstrip(_EDGES)), 0))


def _whole_line_heading(
    text: str, start: int, end: int, previous: str, kind: SectionKind
) -> _Heading | None:
    line = text[start:end].rstrip(_EDGES)
    if not line or len(line) > _TITLE_LIMIT + 10:
        return None
    colon = line.endswith(":")
    title = _title_span(text, start, start + len(line) - colon)
    raw = text[title.start : title.end]
    if not raw or not raw[0].isalpha():
        return None
    marked = title.start > start and not text[start : title.start].isspace()
    stands_alone = colon or marked or raw.isupper() or previous[-1:] in ("", *".:;!?")
    if not stands_alone or (raw[0].islower() and not (colon or marked)):
        return None
    inner = _announced_kind(_normal_title(raw), kind)
    if inner is None and colon and raw.isupper() and len(raw) > 1:
        inner = _unknown_kind(_normal_title(raw), kind)
    return _Heading(start, title, end, inner) if inner else None


def _announced_kind(title: str, kind: SectionKind) -> SectionKind | None:
    return _headings().nested.get(kind, {}).get(title) or _kind_of(title)


def _unknown_kind(title: str, kind: SectionKind) -> SectionKind | None:
    if title.split(" and ")[0] in _headings().subheadings:
        return None
    return kind if kind in _PROBLEM_ORIENTED else "other"


def _inline_heading(
    text: str, floor: int, colon: int, end: int, kind: SectionKind, *, first: bool
) -> _Heading | None:
    """Return the heading that ends at ``colon``, at the start of the line or after a sentence."""
    window = text[max(floor, colon - _TITLE_LIMIT) : colon]
    cut = max(window.rfind(mark) for mark in (". ", "; ", "| ")) + 1
    if not cut and not (first and colon - floor <= _TITLE_LIMIT):
        return None
    start = colon - len(window) + cut
    title = _title_span(text, start, colon)
    raw = text[title.start : title.end].strip()
    if not raw or not raw[0].isalpha() or (cut and not raw[0].isupper()):
        return None
    if len(raw) == 1 and (cut or _VALUE.match(text, colon + 1, end) or not raw.isupper()):
        return None  # "S: O: A: P:" stand at the start of a line; "P: 3.2" is a laboratory value
    normal = _normal_title(raw)
    inner = _announced_kind(normal, kind)
    if inner is None or normal in _headings().inline_stays.get(kind, ()):
        return None
    lead = len(text[title.start : title.end]) - len(text[title.start : title.end].lstrip())
    body = _CLOSING.match(text, colon + 1).end()  # type: ignore[union-attr]  # matches "" too
    return _Heading(start, Span(title.start + lead, title.end), body, inner)


# --- sentences --------------------------------------------------------------------------------


def _words(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


_BULLET = re.compile(r"[ \t\xa0]*(?:[•●▪◦‣·*+–—-]+[ \t\xa0]+|•|\(?\d{1,2}[.)](?=\s|\Z)|#)")
_LABEL = re.compile(r"[ \t\xa0]*[A-Z][\w /,'-]{0,40}:(?=\s|\Z)")
_STOP = re.compile(r"(?P<mark>[.!?]+)[\"'”’)\]\\]*(?=\s)|[ \t](?=[•●▪])")
_TOKEN_BEFORE = re.compile(r"[^\s(\[,;:]*\Z")
_TOKEN_LIMIT = 24
_WRAP_LIMIT = 120  # characters; longer lines are paragraphs, not the lines of a terminal
# Never the end of a sentence, whatever follows.
_TITLES = _words("dr drs mr mrs ms prof st mt vs e.g i.e eg ie approx fig figs cf ca")
# The end of a sentence only before a capital: abbreviations of units, times, body parts, people.
_ABBREVIATIONS = _words(
    """mg mcg ug g kg ml cc dl l cm mm m oz lb lbs hr hrs h min mins sec wk wks mo mos yr yrs y
    y.o y/o yo pt pts pat q q.d qd q.h b.i.d bid t.i.d tid q.i.d qid q.h.s qhs p.r.n prn p.o po
    i.v iv i.m im s.c sc sq p.r pr a.m am p.m pm tab tabs cap caps inj susp max min nl wnl abd bilat
    resp cardiovasc neuro gastroint ext extr hosp dept assoc assn inc incl jr sr med meds surg rt lt
    r l lat ant post sup inf prox dist cr bun hgb hct plt wbc temp bp etc al ed op dx hx rx tx sx
    w b p.c a.c u.s s.p h.o d.c subq appt cont esp est exam freq gen hist lab labs lymph neg neur
    norm occ occas poss prev prob ref req vol wt ht rad sat sats spec stat equiv
    """
)
# Numbers follow these too ("No. 5", "pp. 2-4"); before a capital they end a sentence ("No. He").
_BEFORE_FIGURE = _words("no nos vol pp ch")
# A single capital after one of these is its type, not the initial of a name ("hepatitis C. She").
_LETTERED = _words("class grade group hepatitis influenza stage type virus vitamin")
# A line that ends in one of these goes on in the next, capital or not.
_OPEN_ENDINGS = _words(
    """a an and are as at by for from had has have her his in into is no not of on or our per
    she he than that the their to under upon via was were which who with without dr mr mrs ms"""
)


def _section_sentences(text: str, section: Section) -> Iterator[Span]:
    if section.title and section.kind == "other":
        # An unknown heading may name the disease itself: its words stay searchable.
        start = text.index(section.title, section.span.start)
        yield Span(start, start + len(section.title))
    width = _wrap_width(text, section.body)
    for block in _blocks(text, section.body, width):
        yield from _block_sentences(text, block)


def _lines(text: str, span: Span) -> Iterator[Span]:
    for line in _LINE.finditer(text, span.start, span.end):
        raw = line[0]
        stripped = raw.strip()
        lead = len(raw) - len(raw.lstrip()) if stripped else 0
        yield Span(line.start() + lead, line.start() + lead + len(stripped))


def _wrap_width(text: str, body: Span) -> int:
    """Return the column at which the lines are hard-wrapped, 0 if they are not."""
    lengths = sorted(len(line) for line in _lines(text, body))
    widest = lengths[-1]
    near = len(lengths) - bisect_right(lengths, int(0.8 * widest))
    return widest if 50 <= widest <= _WRAP_LIMIT and near >= 3 else 0


def _blocks(text: str, body: Span, width: int) -> Iterator[Span]:
    """Join the lines that were wrapped; every other line break ends a block."""
    block: Span | None = None
    last = Span(0, 0)
    for line in _lines(text, body):
        if not line.start < line.end:
            if block:
                yield block
            block = None
            continue
        if block and _continues(text, block, last, line, width):
            block = Span(block.start, line.end)
        else:
            if block:
                yield block
            block = line
        last = line
    if block:
        yield block


def _continues(text: str, block: Span, last: Span, line: Span, width: int) -> bool:
    """Say whether ``line`` goes on with the sentence that ``last``, of ``block``, left open."""
    ending = text[last.start : last.end]
    word = ending.rsplit(None, 1)[-1].lower()
    if ending[-1] in ".!?:;" and word.rstrip(".") not in _TITLES:
        return False
    if _BULLET.match(text, line.start, line.end) or _LABEL.match(text, line.start, line.end):
        return False
    if len(last) > _WRAP_LIMIT:
        return text[line.start].islower()
    if ending[-1] in ",-/" or word.rstrip(".") in _OPEN_ENDINGS:
        return True
    if text[line.start].islower():
        # A column of short lower-case lines is a list, not a wrapped sentence.
        return not (block == last and ending[0].islower() and len(last) < 40)
    first_word = text[line.start : line.end].split(None, 1)[0]
    return bool(width) and len(last) + 1 + len(first_word) > width


def _block_sentences(text: str, block: Span) -> Iterator[Span]:
    start = block.start
    for stop in _STOP.finditer(text, block.start, block.end):
        end = stop.end()
        if stop["mark"] is None or _ends_sentence(text, block, start, stop):
            if text[start:end].strip():
                yield _trimmed(text, start, end)
            start = end
    if text[start : block.end].strip():
        yield _trimmed(text, start, block.end)


def _trimmed(text: str, start: int, end: int) -> Span:
    raw = text[start:end]
    lead = len(raw) - len(raw.lstrip())
    return Span(start + lead, start + lead + len(raw.strip()))


def _ends_sentence(text: str, block: Span, start: int, stop: re.Match[str]) -> bool:
    """Decide whether a full stop, exclamation or question mark closes a sentence."""
    at = stop.start("mark")
    token_match = _TOKEN_BEFORE.search(text, max(start, at - _TOKEN_LIMIT), at)
    token = token_match[0] if token_match else ""
    following = text[stop.end() : min(stop.end() + 8, block.end)].lstrip()[:1]
    if not token or not following:
        return False  # "? PE" questions what follows; the end of the block needs no mark
    word = token.lower()
    if stop["mark"] != ".":
        return stop["mark"] in "!?" or not following.islower()
    if word in _TITLES or _is_list_number(text, start, at, token):
        return False
    if following.isdigit():
        return word not in _BEFORE_FIGURE and word not in _ABBREVIATIONS
    if following.islower():
        return _closes_before_lower_case(text, block, word)
    return not _is_initial(text, start, at, token)


def _is_list_number(text: str, start: int, at: int, token: str) -> bool:
    return token.isdigit() and len(token) <= 2 and text[start:at].strip() == token


def _closes_before_lower_case(text: str, block: Span, word: str) -> bool:
    """Unknown short words are abbreviations, unless the writer uses no capitals at all."""
    if word in _ABBREVIATIONS or "." in word:
        return False
    return len(word) >= 5 or (text[block.start].islower() and len(word) >= 2)


def _is_initial(text: str, start: int, at: int, token: str) -> bool:
    """Say whether ``token`` is a person's initial ("Ann B. Cole"), not "hepatitis B."."""
    if len(token) != 1 or not token.isupper():
        return False
    before = text[start : at - 1].split()
    return not before or (before[-1][0].isupper() and before[-1].lower() not in _LETTERED)
