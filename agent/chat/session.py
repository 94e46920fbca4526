"""What a turn works with: the loaded agent, the guideline search, and one session as objects."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from pydantic import ValidationError

from agent.chat.models import ChatState, CodeLine, Decision, Work
from agent.chat.run_trace import RunTrace
from agent.chat.worklist import items_of
from agent.coder import Coder
from agent.encounter import encounter_context
from agent.request import CodingRequest
from agent.result import AssignedCode, Result
from indexes.guideline_search import GuidelineSearch, load_guideline_search
from knowledge.code_systems.icd10cm import ICD10CM
from knowledge.errors import UserError
from knowledge.note_text import Note
from knowledge.rules import CodedItem, EncounterContext, Finding, check


@dataclass(frozen=True)
class Parts:
    """The parts that all conversations share; loading takes seconds, so keep one.

    Attributes:
        coder: The agent.
    """

    coder: Coder

    @property
    def system(self) -> ICD10CM:
        """The code system of the agent."""
        return self.coder.context.system

    @cached_property
    def guidelines(self) -> GuidelineSearch:
        """The search for guideline cards; loaded when a question first needs it."""
        return load_guideline_search(self.system, self.coder.options.index)

    def thread_of(self, request: CodingRequest) -> str:
        """Return the thread of a note: the same note gets it again under the same conditions."""
        context = self.coder.context
        identity = (
            request.text,
            request.context.model_dump_json(),
            context.policy,
            context.system.release,
            context.llm_identity.spec,
        )
        return hashlib.sha256("\0".join(identity).encode("utf-8")).hexdigest()[:12]


@dataclass(frozen=True)
class Session:
    """The state of a thread as objects."""

    parts: Parts
    note: Note
    result: Result
    trace: RunTrace
    work: Work
    decisions: tuple[Decision, ...]

    @classmethod
    def of(cls, state: ChatState, parts: Parts) -> "Session":
        """Read the state of a graph.

        Raises:
            UserError: The thread has no note yet, or one of another version or release.
        """
        if "result" not in state:
            raise UserError("there is no note yet", fix="/note FILE, or /note and paste one")
        try:
            session = cls._read(state, parts)
        except ValidationError as error:
            raise of_another_version() from error
        if session.result.release != parts.system.release:
            raise UserError(
                f"the note was coded in release {session.result.release}, not "
                f"{parts.system.release}",
                fix="open another thread and code the note again",
            )
        return session

    @classmethod
    def _read(cls, state: ChatState, parts: Parts) -> "Session":
        return cls(
            parts=parts,
            note=_parsed(state["note"], state["note_id"]),
            result=Result.model_validate(state["result"]),
            trace=RunTrace.model_validate(state["trace"]),
            work=Work.model_validate(state["work"]),
            decisions=tuple(map(Decision.model_validate, state["decisions"])),
        )

    @property
    def system(self) -> ICD10CM:
        """The code system."""
        return self.parts.system

    @property
    def request(self) -> CodingRequest:
        """The note as it was given to the agent."""
        return CodingRequest(self.result.id, self.note.text, self.result.context)

    @cached_property
    def encounter(self) -> EncounterContext:
        """The encounter as the rules see it."""
        return encounter_context(self.result.context)

    @cached_property
    def assigned(self) -> dict[str, AssignedCode]:
        """What the agent assigned, by code."""
        return {assigned.code: assigned for assigned in self.result.codes}

    def findings(self, items: Sequence[CodedItem]) -> list[Finding]:
        """Apply the rules to coded items; what the run judged of a pair holds while both stand."""
        codes = {item.code for item in items}
        judged = {key: f for key, f in self._judged.items() if codes.issuperset(f.codes)}
        found = check(items, self.encounter, self.system)
        told = [judged.pop(_pair(finding), finding) for finding in found]
        return [*told, *judged.values()]

    @cached_property
    def _judged(self) -> dict[tuple[str, frozenset[str]], Finding]:
        """Findings of the run that the rules alone do not give: those of `agent.judgement`."""
        items = items_of(
            [(c.code, tuple((e.start, e.end) for e in c.evidence)) for c in self.result.codes]
        )
        own = check(items, self.encounter, self.system)
        return {_pair(f): f for f in self.result.findings if f not in own}

    def words(self, span: tuple[int, int]) -> str:
        """Return the words of a span on one line."""
        return " ".join(self.note.text[slice(*span)].split())

    def title(self, code: str) -> str:
        """Return a code with its title."""
        return f"{code} {self.system.get(code).title}"

    def lines(self) -> tuple[CodeLine, ...]:
        """Return the list as it is shown."""
        shown = []
        for place, item in enumerate(self.work.codes):
            agents = self.assigned.get(item.basis or "")
            shown.append(
                CodeLine(
                    code=item.code,
                    description=self.system.get(item.code).title,
                    role="principal" if place == 0 else "secondary",
                    status=item.status,
                    origin=item.origin,
                    confidence=agents.confidence if agents and item.origin == "agent" else None,
                    evidence=item.evidence,
                    reason=item.reason,
                )
            )
        return tuple(shown)


# A turn and the page after it read the same note several times.
@lru_cache(maxsize=4)
def _parsed(text: str, note_id: str) -> Note:
    return Note.parse(text, note_id)


def of_another_version() -> UserError:
    """Return what is said of a stored thread that cannot be read."""
    return UserError(
        "the thread was stored by another version of icd-agent",
        fix="open another thread, or icd-agent data purge",
    )


def name_of_pasted(text: str) -> str:
    """Return a name for a note that has none."""
    return f"pasted-{hashlib.sha256(text.encode('utf-8')).hexdigest()[:8]}"


def _pair(finding: Finding) -> tuple[str, frozenset[str]]:
    return finding.rule, frozenset(finding.codes)
