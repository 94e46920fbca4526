"""What can be asked about one note, as functions that a model can call."""

import re
from collections.abc import Callable

from pydantic import BaseModel

from agent.request import CodingRequest
from agent.tools.answers import Place, Places, PLMCandidate, PLMCandidates, RuleReport
from agent.tools.arguments import Codes, Limit, Query
from agent.tools.desk import Desk
from knowledge.assertion import AssertionAnnotator
from knowledge.errors import UserError
from knowledge.language import DEFAULT_LANGUAGE
from knowledge.note_text import Note, Span


class NoteDesk:
    """A note on a coder's desk.

    Args:
        desk: The reference works.
        request: The note and its encounter.
    """

    def __init__(self, desk: Desk, request: CodingRequest) -> None:
        self._desk = desk
        self._request = request = request.with_language()
        self._language = request.context.language or DEFAULT_LANGUAGE
        self._note = Note.parse(request.text, request.id, self._language)

    @property
    def functions(self) -> tuple[Callable[..., BaseModel], ...]:
        """All that a model may call while it codes this note."""
        desk = self._desk
        return (
            desk.search_codes,
            desk.show_code,
            desk.browse_children,
            desk.search_guidelines,
            self.check_codes,
            desk.map_code,
            self.find_in_note,
            self.plm_icd_candidates,
        )

    def find_in_note(self, words: Query, limit: Limit = 10) -> Places:
        """Find words in the note: their offsets, section and sentence, and what is said of them.

        Case and white space do not matter; the words must stand one after the other. Use it to
        give a code its evidence, and to see whether a condition is present, absent, possible,
        historical, of the family, or hypothetical.
        """
        spans = _occurrences(words, self._note.text)
        annotator = AssertionAnnotator(self._note)
        return Places(
            total=len(spans), places=[self._place(span, annotator) for span in spans[:limit]]
        )

    def plm_icd_candidates(self, limit: Limit = 10) -> PLMCandidates:
        """Ask the PLM-ICD model which codes it would give the note, most probable first.

        It knows only codes that stood in its training notes, and does not know what is negated.
        Take it as a second opinion and look for the evidence in the note.
        """
        context = self._desk.parts()
        if self._language != DEFAULT_LANGUAGE:
            raise UserError(
                "PLM-ICD was trained on English notes and cannot read this one",
                fix="use search_codes instead",
            )
        if context.plm is None:
            raise UserError(
                "no PLM-ICD model belongs to the search indexes in use",
                fix="use search_codes instead",
            )
        system, threshold = context.system, context.plm.threshold
        return PLMCandidates(
            known_codes=len(context.plm.label_space),
            threshold=threshold,
            candidates=[
                PLMCandidate(
                    code=code,
                    title=system.get(known).title if (known := system.nearest(code)) else "",
                    probability=round(probability, 4),
                    assigned=probability >= threshold,
                    start=span.start,
                    end=span.end,
                    text=self._note.slice(span),
                )
                for code, probability, span in context.plm.opinion(self._note)[:limit]
            ],
        )

    def check_codes(self, codes: Codes) -> RuleReport:
        """Check codes of this note against the coding rules, the principal code first.

        Errors (Excludes1, a code that is not billable, the wrong sex or order, ...) have to be
        mended before the codes are reported; each finding cites the guideline or the note.
        """
        return self._desk.judge(codes, self._request.context)

    def _place(self, span: Span, annotator: AssertionAnnotator) -> Place:
        note = self._note
        sentence = note.sentence_at(span.start)
        return Place(
            start=span.start,
            end=span.end,
            text=note.slice(span),
            section=note.section_at(span.start).title,
            sentence=note.slice(sentence.span) if sentence else note.slice(span),
            assertion=annotator.of(span).assertion,
        )


def _occurrences(words: str, text: str) -> list[Span]:
    """Return where the words stand in the text, whole words only."""
    parts = words.split()
    if not parts:
        raise UserError("there is no word to look for", fix="give words as the note writes them")
    before = r"(?<!\w)" if parts[0][0].isalnum() else ""
    after = r"(?!\w)" if parts[-1][-1].isalnum() else ""
    pattern = before + r"\s+".join(map(re.escape, parts)) + after
    return [Span(*match.span()) for match in re.finditer(pattern, text, re.IGNORECASE)]
