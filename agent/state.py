"""What flows through the graph: the request, the working state, the runtime context."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, TypedDict

from agent.confidence import EVIDENCE_THRESHOLD
from agent.policy.authority import Authority
from agent.request import CodingRequest
from agent.result import Evidence, Policy, Result, Stage
from agent.settings import Settings
from agent.trace.events import Answer, JudgementKind
from agent.trace.recorder import Recorder
from agent.voice.model import GuidelineVoice, bundled_voice
from indexes.candidates import Candidate, CandidateGenerator
from indexes.learned import Learned
from indexes.plm_icd.predict import PLMPredictor, Prediction
from indexes.ranker.model import Ranker
from knowledge.assertion import Assertion
from knowledge.code_systems.icd10cm import ICD10CM
from knowledge.note_text import Note
from knowledge.policy_data import Policy as PolicyData
from knowledge.rules.findings import Finding
from knowledge.rules.mends import Mend

if TYPE_CHECKING:
    from agent.llm.base import CodingLLM

MAX_EVIDENCE = 3  # spans kept for a proposal


@dataclass(frozen=True, slots=True)
class Proposal:
    """A candidate that the agent has formed an opinion on.

    Attributes:
        code: The code as it stands now; the policy or a rule may have replaced it.
        confidence: Belief that the code belongs to the note, in [0, 1].
        assertion: What the note says of it at its best evidence span.
        evidence: Spans that support it, best first.
        accepted: Whether it is (still) to be assigned.
        reason: Why, in a coder's words.
        stage: Where the latest decision fell.
        guidelines: Guideline sections that shaped the decisions.
        sources: Score by voice.
    """

    code: str
    confidence: float
    assertion: Assertion
    evidence: tuple[Evidence, ...]
    accepted: bool
    reason: str
    stage: Stage = "reason"
    guidelines: tuple[str, ...] = ()
    sources: Mapping[str, float] = field(default_factory=dict)


class SecondLook(NamedTuple):
    """A code on which PLM-ICD disagreed, and what the LLM's second look made of it.

    Attributes:
        code: The code.
        plm_icd: PLM-ICD's probability; None where the code is not among its predictions.
        confidence_before: The agent's confidence before the look.
        confidence_after: And after it.
        accepted_before: Whether the agent had accepted it.
        accepted_after: Whether it has now.
    """

    code: str
    plm_icd: float | None
    confidence_before: float
    confidence_after: float
    accepted_before: bool
    accepted_after: bool


class Judged(NamedTuple):
    """What became of an open pair.

    Attributes:
        kind: The question.
        codes: Both codes, the one that goes if the answer is yes first.
        answer: The answer.
        log_odds: Of yes, in nats; None where nobody was asked.
        authority: The rule or step that left the pair open.
    """

    kind: JudgementKind
    codes: tuple[str, str]
    answer: Answer
    log_odds: float | None
    authority: Authority


class State(TypedDict, total=False):
    """The working state of the graph; each node returns the keys that it changes.

    ``plm_icd`` holds PLM-ICD's predictions, most probable first; it is empty without a model.
    ``mends`` are those made so far, in order.
    """

    request: CodingRequest
    note: Note
    candidates: Sequence[Candidate]
    plm_icd: Sequence[Prediction]
    proposals: Sequence[Proposal]
    second_look: Sequence[SecondLook]
    judged: Sequence[Judged]
    findings: Sequence[Finding]
    mends: Sequence[Mend]
    revisions: int
    result: Result


class LLMIdentity(NamedTuple):
    """How the LLM is named in results and traces."""

    spec: str
    model: str


@dataclass(frozen=True)
class CoderContext:
    """Everything a node may use that is not the note: built once, shared by all notes."""

    system: ICD10CM
    generators: Sequence[CandidateGenerator]
    policy_data: PolicyData
    llm: "CodingLLM | None"
    llm_identity: LLMIdentity
    plm: PLMPredictor | None
    policy: Policy
    settings: Settings
    recorder: Recorder
    learned: Learned | None = None
    guideline_voice: GuidelineVoice | None = None

    @property
    def learned_generators(self) -> Sequence[CandidateGenerator]:
        """The generators that learned from coded notes."""
        learned = self.learned.generators if self.learned else ()
        return [g for g in learned if g.name not in self.settings.withheld]

    @property
    def ranker(self) -> Ranker | None:
        """The trained ranker, where it may decide.

        It learned to code as the annotators of its training notes did, every finding they saw; that
        is the policy "mentions". Under "guidelines" the evidence itself has to convince.
        """
        return self.learned.ranker if self.learned and self.policy == "mentions" else None

    @property
    def voice(self) -> GuidelineVoice | None:
        """The voice that judges evidence under "guidelines"; the shipped one if none was given."""
        if self.policy != "guidelines":
            return None
        return self.guideline_voice or bundled_voice()

    @property
    def threshold(self) -> float:
        """Confidence from which a code is accepted."""
        if self.settings.threshold is not None:
            return self.settings.threshold
        if self.ranker:
            return self.ranker.card.threshold
        return self.voice.threshold if self.voice else EVIDENCE_THRESHOLD
