"""Where the note leaves a code open, and the question that a compliant query asks about it.

A query does not lead: it quotes the note, names what is missing, and offers every valid code of the
choice, "other" and "cannot be determined", in a fixed order. It never speaks of payment. (AHIMA and
ACDIS, Guidelines for Achieving a Compliant Query Practice.) Questions follow from the code system:
no model writes them.
"""

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, TypeAdapter

import knowledge
from agent.chat.models import Option, Question, Work, WorkingCode
from agent.chat.places import WordPlaces, sentences_at
from agent.chat.worklist import coded_items
from agent.encounter import encounter_context
from agent.result import AssignedCode, Result
from indexes.tokens import text_stems
from knowledge.assertion import Assertion, AssertionAnnotator
from knowledge.axes import Axis, open_axes
from knowledge.code_systems.icd10cm import ICD10CM
from knowledge.note_text import Note, SectionKind, Span
from knowledge.rules import CodedItem, check
from knowledge.strict_yaml import read_yaml

QUESTIONS_PER_NOTE = 3
OTHER = Option(value="other")
UNDETERMINED = Option(value="cannot be determined")
EPISODE, ORGANISM = "episode of care", "organism"

_DATA = Path(knowledge.__file__).parent / "data" / "clarification.yaml"
# Where a condition is only listed, its detail seldom decides anything.
_BACKGROUND: frozenset[SectionKind] = frozenset(
    {"past_history", "family_history", "social_history", "review_of_systems", "medications"}
)
_LONGEST_QUOTATION = 160  # characters
_OPEN_ASSERTIONS = ("present", "possible")
_LEFT_OUT_CHAPTERS = ("20", "21")  # external causes; factors influencing health status
_SETTLED = re.compile(
    r"\b(?:unknown|undetermined|not (?:identified|known|specified|documented)"
    r"|cannot be determined|unspecified)\b",
    re.IGNORECASE,
)


class _Episode(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    question: str
    citation: str
    aftercare: list[str]
    stated: list[str]


class _Organism(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    question: str
    citation: str
    families: dict[str, list[str]]
    common_words: str
    stated: list[str]


class _Clarification(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    episode: _Episode
    organism: _Organism


class _Point(NamedTuple):
    """What is open of a code.

    Attributes:
        axis: What the options differ in.
        opening: What is missing, in a sentence.
        question: What is asked.
        citation: The guideline section that asks for it.
        options: The codes of the choice.
    """

    axis: str
    opening: str
    question: str
    citation: str
    options: Sequence[Option]


@cache
def _clarification() -> _Clarification:
    return TypeAdapter(_Clarification).validate_python(read_yaml(_DATA))


def open_questions(work: Work, result: Result, note: Note, system: ICD10CM) -> list[Question]:
    """Return the questions that are open, most important first.

    There is none under the policy "mentions", none about codes that the coder has decided on, and
    in all at most `QUESTIONS_PER_NOTE` for a note, those answered included.

    Args:
        work: The list as it stands.
        result: What the agent made of the note.
        note: The note.
        system: The code system.
    """
    if result.policy == "mentions":
        return []
    points = _Points(work, result, note, system)
    found = (question for item in work.codes for question in points.of(item))
    left = max(0, QUESTIONS_PER_NOTE - len(work.closed))
    return list(itertools.islice(found, left))


class _Points:
    """Finds open points of the codes of one note."""

    def __init__(self, work: Work, result: Result, note: Note, system: ICD10CM) -> None:
        self._work, self._note, self._system = work, note, system
        self._assigned = {assigned.code: assigned for assigned in result.codes}
        self._encounter = encounter_context(result.context)
        self._annotator = AssertionAnnotator(note)
        self._words = WordPlaces(note)

    def of(self, item: WorkingCode) -> Iterator[Question]:
        """Yield the questions about a code: one an axis, none where the note settles it."""
        if not self._matters(item):
            return
        for point in (*self._axes(item), *self._episode(item), *self._organism(item)):
            codes = [option.code for option in point.options]
            beside = any(other in codes for other in self._work.named() if other != item.code)
            if beside or self._is_closed(item.code, point.axis):
                continue
            yield self._question(item, point)

    def _matters(self, item: WorkingCode) -> bool:
        agents = self._assigned.get(item.basis or "")
        decided = item.status == "accepted" and item.origin != "answer"
        if agents is None or decided or agents.assertion not in _OPEN_ASSERTIONS:
            return False
        if self._system.get(item.code).chapter in _LEFT_OUT_CHAPTERS or not item.evidence:
            return False
        return not self._settled(item) and self._foreground(agents)

    def _foreground(self, agents: AssignedCode) -> bool:
        kinds = {self._note.section_at(e.start).kind for e in agents.evidence}
        return bool(kinds - _BACKGROUND)

    def _settled(self, item: WorkingCode) -> bool:
        """Tell whether the note says itself that the detail is not known."""
        sentences = sentences_at(self._note, item.evidence)
        return any(_SETTLED.search(self._note.slice(sentence)) for sentence in sentences)

    def _is_closed(self, code: str, axis: str) -> bool:
        return any(closed.code == code and closed.axis == axis for closed in self._work.closed)

    def _axes(self, item: WorkingCode) -> Iterator[_Point]:
        for found in open_axes(self._system, item.code):
            if self._is_stated(found.axis.stated):
                continue
            options = [self._option(o.value, o.code) for o in found.options]
            options = [o for o in options if not self._breaks_a_rule(item, o)]
            said = self._said_beside(item, found.axis)
            if len(options) > 1 and said <= {option.value for option in options}:
                yield self._of_axis(item.code, found.axis, options)

    def _said_beside(self, item: WorkingCode, axis: Axis) -> set[str]:
        """Return the values that the sentences of the evidence name.

        The note may say what the code leaves open; where no option says it ("bilateral knee pain"
        takes two codes), there is nothing to choose.
        """
        sentences = sentences_at(self._note, item.evidence)
        return {v for s in sentences for v in axis.named_in(self._note.slice(s))}

    @staticmethod
    def _of_axis(code: str, axis: Axis, options: Sequence[Option]) -> _Point:
        silent = f"The note does not name the {axis.axis}."
        opening = silent if axis.default else _leaves_open(code, axis.axis)
        return _Point(axis.axis, opening, axis.question, axis.citation, options)

    def _episode(self, item: WorkingCode) -> Iterator[_Point]:
        """Ask of the 7th character where it says initial and the note speaks of aftercare."""
        card = _clarification().episode
        meaning = self._system.get(item.code).seventh
        first = meaning is not None and meaning.startswith("initial encounter")
        aftercare = "present" in self._assertions(card.aftercare)
        if not first or self._is_stated(card.stated) or not aftercare:
            return
        assert meaning is not None
        opened = "open" in meaning.split()
        options = [
            self._option(other.seventh, other.code)
            for other in map(self._system.get, self._system.children(self._system.stem(item.code)))
            if other.seventh and ("open" in other.seventh.split()) == opened
        ]
        opening = f"{item.code} is for the {meaning}, and the note speaks of aftercare."
        yield _Point(EPISODE, opening, card.question, card.citation, options)

    def _organism(self, item: WorkingCode) -> Iterator[_Point]:
        """Ask for the cause where the note names an organism that the code leaves out."""
        card = _clarification().organism
        families = card.families.get(item.code, ())
        if not families or self._is_stated(card.stated):
            return
        common = text_stems(card.common_words)
        options = [
            self._option(self._system.get(code).title, code)
            for family in families
            for code in (family, *self._system.descendants(family))
            if self._system.get(code).billable and self._names_organism(code, common)
        ]
        if options:
            opening = _leaves_open(item.code, ORGANISM)
            yield _Point(ORGANISM, opening, card.question, card.citation, options)

    def _names_organism(self, code: str, common: frozenset[str]) -> bool:
        """Tell whether the note says that an organism of a title is there."""
        names = {s for s in text_stems(self._system.get(code).title) - common if len(s) > 2}
        return any(
            self._annotator.of(place).assertion in _OPEN_ASSERTIONS
            for stem in names
            for place in self._words.of(stem)
        )

    def _is_stated(self, patterns: Sequence[str]) -> bool:
        """Tell whether the note says so of the patient; a relative's type settles nothing."""
        return any(assertion != "family" for assertion in self._assertions(patterns))

    def _assertions(self, patterns: Sequence[str]) -> Iterator[Assertion]:
        """Yield what the note says of each place that a pattern matches."""
        for pattern in patterns:
            for match in re.finditer(pattern, self._note.text, re.IGNORECASE):
                yield self._annotator.of(Span(*match.span())).assertion

    def _breaks_a_rule(self, item: WorkingCode, option: Option) -> bool:
        """Tell whether an option would bring a new error into the list."""
        assert option.code is not None
        now = coded_items(self._work)
        changed = [replace(i, code=option.code) if i.code == item.code else i for i in now]
        return self._errors(changed) > self._errors(now)

    def _errors(self, items: Sequence[CodedItem]) -> int:
        findings = check(items, self._encounter, self._system)
        return sum(finding.severity == "error" for finding in findings)

    def _quoted(self, item: WorkingCode) -> str:
        """Return the sentence of the best evidence on one line; of a long one the evidence."""
        start, end = item.evidence[0]
        sentence = self._note.sentence_at(start)
        whole = self._note.slice(sentence.span) if sentence else ""
        words = whole if 0 < len(whole) <= _LONGEST_QUOTATION else self._note.text[start:end]
        return " ".join(words.split()).strip(" .;-•*")

    def _option(self, value: str, code: str) -> Option:
        return Option(value=value, code=code, title=self._system.get(code).title)

    def _question(self, item: WorkingCode, point: _Point) -> Question:
        lead = f'The note says "{self._quoted(item)}".'
        return Question(
            code=item.code,
            axis=point.axis,
            text=f"{lead} {point.opening} {point.question}",
            options=(*point.options, OTHER, UNDETERMINED),
            citation=point.citation,
            spans=item.evidence,
        )


def _leaves_open(code: str, axis: str) -> str:
    return f"{code} leaves the {axis} open."


def read_answer(question: Question, text: str) -> Option | None:
    """Return the option that a text names: its number, its value, its code; None: no answer."""
    said = " ".join(text.casefold().split()).strip(" .)!")
    if said.isdigit() and 1 <= int(said) <= len(question.options):
        return question.options[int(said) - 1]
    if said in ("unknown", "not known", "undetermined", "unable to determine"):
        return UNDETERMINED
    code = text.strip().upper()
    for option in question.options:
        if said == option.value.casefold() or (option.code and code == option.code):
            return option
    return None
