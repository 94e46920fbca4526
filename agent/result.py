"""The JSON contract: what ``icd-agent code`` prints for one note.

Field names and closed vocabularies are part of the contract; `SCHEMA_VERSION` rises when a field
changes its meaning or goes away. ``text[start:end]`` of the note equals an evidence text exactly.
"""

from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from knowledge.assertion import Assertion
from knowledge.language import Language
from knowledge.rules.findings import Finding

SCHEMA_VERSION: Final = 1

Status = Literal["ok", "empty", "failed"]
Role = Literal["principal", "secondary", "admitting"]
Stage = Literal["retrieve", "reason", "check", "policy"]
Policy = Literal["guidelines", "mentions"]
Setting = Literal["inpatient", "outpatient"]
Sex = Literal["M", "F"]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ResultContext(_Part):
    """What is known of the encounter besides the note."""

    setting: Setting = "inpatient"
    sex: Sex | None = None
    age: float | None = Field(default=None, ge=0, le=130, description="Years.")
    date: str | None = Field(default=None, description="Encounter date, YYYY-MM-DD.")
    language: Language | None = Field(
        default=None, description="Of the note; null in a request: found out. Always in a result."
    )


class Evidence(_Part):
    """Words of the note that support a code; offsets count characters of the note as given."""

    start: int
    end: int
    text: str
    section: str = Field(description="Title of the section as written; empty before the first.")


class AssignedCode(_Part):
    """A code of the result, with all that speaks for it."""

    code: str
    description: str
    confidence: float = Field(ge=0, le=1)
    role: Role
    evidence: list[Evidence]
    assertion: Assertion
    reason: str
    guidelines: list[str] = Field(description="Guideline sections that shaped the decision.")
    sources: dict[str, float] = Field(description="Score by voice; llm is a log-odds.")
    findings: list[int] = Field(description="Indices into the findings of the result.")


class RejectedCode(_Part):
    """A code that was considered and not assigned."""

    code: str
    reason: str
    stage: Stage


class RankedCandidate(_Part):
    """One place of the whole ranking, from which recall@k and MAP are computed."""

    code: str
    score: float


class TextSpan(_Part):
    """A stretch of the note as given."""

    start: int
    end: int


class PLMOnly(_Part):
    """A code that PLM-ICD assigns and the result does not."""

    code: str
    probability: float = Field(ge=0, le=1)
    evidence: list[TextSpan] = Field(description="Where the model's attention rests.")


class PLMOpinion(_Part):
    """PLM-ICD beside the result; each assigned code is in exactly one of three lists."""

    agree: list[str] = Field(default=[], description="Assigned by both.")
    agent_only: list[str] = Field(default=[], description="PLM-ICD knows them, does not assign.")
    plm_only: list[PLMOnly] = Field(default=[], description="Assigned by PLM-ICD alone.")
    outside_label_space: list[str] = Field(
        default=[], description="Codes of the result that PLM-ICD cannot assign."
    )


class Usage(_Part):
    """What the result cost."""

    llm: str
    llm_calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    seconds: float = 0.0


class Result(_Part):
    """One coded note."""

    schema_version: Literal[1] = SCHEMA_VERSION
    id: str
    status: Status
    error: str | None = None
    context: ResultContext
    code_system: str
    release: str
    policy: Policy
    codes: list[AssignedCode] = []
    rejected: list[RejectedCode] = []
    findings: list[Finding] = []
    candidates: list[RankedCandidate] = []
    plm_icd: PLMOpinion | None = Field(
        default=None,
        description="PLM-ICD's opinion; null: not consulted, as on Spanish notes, which it "
        "cannot read.",
    )
    questions: list[str] = []
    usage: Usage
    trace: str | None = None
