"""What tools answer: small typed objects, so that every caller gets the same JSON and schema."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from knowledge.assertion import Assertion
from knowledge.rules import Finding


class Answer(BaseModel):
    """An answer: what it names, and nothing else."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class CodeHit(Answer):
    """A code that fits the words of a search."""

    code: str
    title: str
    billable: bool = Field(description="Complete enough to be reported.")
    score: float = Field(description="Orders the hits of one search; no probability.")
    matched: str = Field(description="The wording that matched; empty where none can be named.")


class CodeHits(Answer):
    """Codes that fit, best first."""

    hits: list[CodeHit]


class GuidelineHit(Answer):
    """A guideline card that fits the words of a search."""

    section: str = Field(description="Section of the Official Guidelines, for example I.C.9.a.")
    title: str
    score: float = Field(description="Orders the hits of one search; no probability.")
    text: str = Field(description="What the section asks for, in our words.")


class GuidelineHits(Answer):
    """Guideline cards that fit, best first."""

    hits: list[GuidelineHit]


class CodeTitle(Answer):
    """A code, block or chapter with its title."""

    code: str
    title: str


class NoteOfCode(Answer):
    """An instructional note of the tabular list that governs a code."""

    kind: str = Field(description="excludes1, excludes2, code_first, use_additional, ...")
    text: str
    carrier: str = Field(description="The entry at which the note stands.")
    conditional: bool = Field(description='Whether it says "if applicable" or the like.')


class CodeEntry(Answer):
    """A code, block or chapter: title, place in the tree, and the notes that govern it."""

    code: str
    title: str
    billable: bool = Field(description="Complete enough to be reported.")
    code_system: str
    release: str
    chapter: str
    ancestors: list[CodeTitle] = Field(description="The entries above, nearest first.")
    children: list[CodeTitle] = Field(description="The entries one level below.")
    inclusion_terms: list[str] = Field(description="Conditions that are classified here.")
    includes: list[str]
    notes: list[NoteOfCode] = Field(description="Its own first, then inherited ones.")


class Child(Answer):
    """An entry one level below another."""

    code: str
    title: str
    billable: bool
    children: int = Field(description="Number of entries below it in turn.")


class Children(Answer):
    """The entries one level below a code, block or chapter."""

    code: str
    title: str
    children: list[Child] = Field(description="Empty where nothing stands below the code.")


class RuleReport(Answer):
    """What the coding rules say of a set of codes."""

    codes: list[str] = Field(description="The codes as judged, in official form.")
    errors: int = Field(description="Findings with which the claim would be wrong.")
    findings: list[Finding]


class MapTarget(Answer):
    """A code of the system mapped to."""

    code: str
    title: str | None = Field(description="null: the release at hand has dropped the code.")
    billable: bool
    choose_from: list[str] = Field(description="Codes below it, where one of these is needed.")


class Unmapped(Answer):
    """A code on the way of a chain that leads no further."""

    code: str
    code_system: str
    status: str


class MapOption(Answer):
    """One way to say the same in the other system."""

    approximate: bool = Field(description="Whether the two differ in meaning.")
    parts: list[list[MapTarget]] = Field(
        description="All parts together are the equivalent, one code of each."
    )
    unmapped: list[Unmapped]


class Mapping(Answer):
    """What a code maps to in another code system."""

    code: str
    title: str | None
    source: str
    source_inferred: bool = Field(description="Told by the shape of the code.")
    target: str
    status: str = Field(description="mapped, no_map or not_in_tables.")
    method: str = Field(description="The kind of table or comparison.")
    via: str | None = Field(description="Code above that the tables hold in its place.")
    hint: str | None
    options: list[MapOption]
    steps: list[dict[str, Any]] = Field(description="The mappings on the way of a chain.")


class Place(Answer):
    """Where words stand in the note; offsets count characters of the note as given."""

    start: int
    end: int
    text: str
    section: str = Field(description="Title of the section as written.")
    sentence: str
    assertion: Assertion = Field(description="What the note says of a condition named there.")


class Places(Answer):
    """The places of words in the note, in its order."""

    total: int = Field(description="Of all places, of which the first are listed.")
    places: list[Place]


class PLMCandidate(Answer):
    """A code that PLM-ICD considers for the note."""

    code: str = Field(description="As its training data writes it; some need more characters.")
    title: str
    probability: float = Field(ge=0, le=1)
    assigned: bool = Field(description="Whether the model by itself would assign it.")
    start: int
    end: int
    text: str = Field(description="Where its attention rests.")


class PLMCandidates(Answer):
    """PLM-ICD's opinion of the note, most probable first."""

    known_codes: int = Field(description="Codes of its training data; it can name no other.")
    threshold: float = Field(description="Probability from which it assigns a code.")
    candidates: list[PLMCandidate]
