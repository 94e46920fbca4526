"""The reference works of a coder as functions that a model can call.

Docstrings and field descriptions are what the model reads. Results are those of the commands
``search``, ``show``, ``check`` and ``map``.
"""

from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from agent.encounter import encounter_context, make_context
from agent.result import ResultContext
from agent.state import CoderContext
from agent.tools.answers import (
    Child,
    Children,
    CodeEntry,
    CodeHit,
    CodeHits,
    GuidelineHit,
    GuidelineHits,
    Mapping,
    RuleReport,
)
from agent.tools.arguments import (
    AgeOf,
    Code,
    Codes,
    DateOf,
    Limit,
    Query,
    SettingOf,
    SexOf,
    Source,
    System,
    SystemKey,
    Target,
)
from knowledge.code_systems import ICD10CM, CodeSystem, get_code_system
from knowledge.crosswalk import infer_source, map_code
from knowledge.crosswalk.report import mapping_report
from knowledge.description import describe
from knowledge.errors import UserError
from knowledge.rules import CodedItem, check

if TYPE_CHECKING:
    from indexes.guideline_search import GuidelineSearch


class Desk:
    """Look-ups and rule checks; nothing here reads a note.

    Args:
        system: The release of ICD-10-CM in use.
        parts: Gives what notes are coded with; called when a search needs its generators, since
            loading takes seconds.
        index: Folder of search indexes; None takes the shipped ones.
    """

    def __init__(
        self, system: ICD10CM, parts: Callable[[], CoderContext], index: Path | None = None
    ) -> None:
        self.system = system
        self.parts = parts
        self._index = index

    def search_codes(self, query: Query, limit: Limit = 10) -> CodeHits:
        """Find ICD-10-CM codes for a diagnosis in a clinician's words.

        Use it for every condition of which you do not know the code; never guess a code. Look at
        the best hits with show_code before you report one.
        """
        from agent.search import code_hits

        hits = code_hits(_words(query), limit, self.system, self.parts().generators)
        return CodeHits(
            hits=[
                CodeHit(
                    code=hit.key,
                    title=hit.title,
                    billable=self.system.get(hit.key).billable,
                    score=hit.score,
                    matched=hit.matched,
                )
                for hit in hits
            ]
        )

    def show_code(self, code: Code, system: System = "icd10cm") -> CodeEntry:
        """Show a code: title, whether it is billable, what stands above and below it, its notes.

        Inherited notes are included: Excludes1, Excludes2, code first, use additional code, code
        also, 7th character. Blocks (E08-E13) and chapters (4) can be shown as well.
        """
        return CodeEntry.model_validate(describe(self._system(system), code))

    def browse_children(self, code: Code, system: System = "icd10cm") -> Children:
        """List the entries one level below a code, block or chapter, to find a more specific code.

        Where a code needs a 7th character, the complete codes are listed. Start at a chapter, for
        example 9, where nothing else is known.
        """
        codes = self._system(system)
        entry = codes.get(codes.normalise(code))
        return Children(
            code=entry.code,
            title=entry.title,
            children=[
                Child(
                    code=below,
                    title=codes.get(below).title,
                    billable=codes.get(below).billable,
                    children=len(codes.children(below)),
                )
                for below in codes.children(entry.code)
            ],
        )

    def search_guidelines(self, query: Query, limit: Limit = 5) -> GuidelineHits:
        """Find what the ICD-10-CM Official Guidelines ask for, as cards with their section.

        Cite the section where a guideline decides. The cards are in our own words; they are not
        the official text.
        """
        from agent.search import guideline_hits

        return GuidelineHits(
            hits=[
                GuidelineHit(section=hit.key, title=hit.title, score=hit.score, text=hit.matched)
                for hit in guideline_hits(_words(query), limit, self._guidelines)
            ]
        )

    def check_codes(
        self,
        codes: Codes,
        setting: SettingOf = "inpatient",
        sex: SexOf = None,
        age: AgeOf = None,
        date: DateOf = None,
    ) -> RuleReport:
        """Check the codes of one encounter against the coding rules, the principal code first.

        Errors (Excludes1, a code that is not billable, the wrong sex or order, ...) have to be
        mended before the codes are reported; each finding cites the guideline or the note.
        """
        context = make_context(
            {"setting": setting, "sex": sex, "age": age, "date": date}, "check_codes"
        )
        return self.judge(codes, context)

    def judge(self, codes: list[str], context: ResultContext) -> RuleReport:
        """Apply all rules to codes, the first of which is the principal diagnosis.

        Raises:
            UserError: A code does not exist.
        """
        items = [
            CodedItem(
                self.system.get(self.system.normalise(code)).code,
                "secondary" if position else "principal",
            )
            for position, code in enumerate(codes)
        ]
        findings = check(items, encounter_context(context), self.system)
        return RuleReport(
            codes=[item.code for item in items],
            errors=sum(f.severity == "error" for f in findings),
            findings=findings,
        )

    def map_code(self, code: Code, target: Target, source: Source = None) -> Mapping:
        """Map a code to another code system: every equivalent, combinations included.

        Leave source away where the shape of the code tells it. Most equivalents are approximate.
        """
        origin = source or infer_source(code, target, self.system)
        mapping = map_code(code, origin, target, self.system)
        report = mapping_report(mapping, origin, target, inferred=source is None)
        names = {"from": "source", "from_inferred": "source_inferred", "to": "target"}
        return Mapping.model_validate({names.get(key, key): v for key, v in report.items()})

    def _system(self, key: SystemKey) -> CodeSystem:
        return self.system if key == self.system.key else get_code_system(key)

    @cached_property
    def _guidelines(self) -> "GuidelineSearch":
        from indexes.guideline_search import load_guideline_search

        return load_guideline_search(self.system, self._index)


def _words(query: str) -> str:
    if not query.strip():
        raise UserError("the query is empty", fix="give the words of a diagnosis or a question")
    return query
