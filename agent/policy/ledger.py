"""The proposals of one note while decisions change them; every change is recorded as it is made."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from agent.hearing import BELOW
from agent.policy.authority import Authority
from agent.result import Evidence, ResultContext, Stage
from agent.state import MAX_EVIDENCE, CoderContext, Proposal, State
from agent.trace.events import Action, Option
from agent.voice.roles import Role, place_of
from knowledge.note_text import Note, Span

_SYMPTOMS = "R"  # chapter 18


class Ledger:
    """Proposals and the ways to change them.

    Attributes:
        proposals: As the changes so far have left them.
        note: The note.
        encounter: What is known of the encounter.
        context: What the run works with.
    """

    def __init__(self, state: State, context: CoderContext, stage: Stage = "policy") -> None:
        self.proposals = list(state["proposals"])
        self.note: Note = state["note"]
        self.encounter: ResultContext = state["request"].context
        self.context = context
        self._stage = stage

    def accepted(self, *assertions: str) -> list[Proposal]:
        """Return the accepted proposals with one of these assertions."""
        return [p for p in self.proposals if p.accepted and p.assertion in assertions]

    def current(self) -> list[Proposal]:
        """Return the accepted proposals of the patient's own conditions."""
        return [p for p in self.proposals if p.accepted and p.assertion != "family"]

    def coded(self, codes: Iterable[str]) -> list[Proposal]:
        """Return the accepted proposals with one of these codes."""
        wanted = set(codes)
        return [p for p in self.proposals if p.accepted and p.code in wanted]

    def only_as(self, proposal: Proposal, role: Role) -> bool:
        """Tell whether all evidence of a proposal has this role in the note."""
        spans = (Span(e.start, e.end) for e in proposal.evidence)
        return all(place_of(self.note, span).role == role for span in spans)

    def accept(self, proposal: Proposal, why: str, authority: Authority) -> None:
        """Accept a proposal that the evidence alone did not carry."""
        reason = f"{proposal.reason.removesuffix(BELOW)}; {why}"
        accepted = replace(proposal, accepted=True, reason=reason)
        self._put(proposal, accepted)
        self.keep(accepted, why, authority)

    def keep(self, proposal: Proposal, why: str, authority: Authority) -> None:
        """Leave a proposal accepted, with the section that says so."""
        self._put(proposal, replace(proposal, guidelines=_cited(proposal, authority)))
        self._record(proposal, "accept", why, authority)

    def reject(
        self,
        proposal: Proposal,
        reason: str,
        authority: Authority,
        *,
        replacement: str | None = None,
    ) -> None:
        """Take a proposal back; ``replacement`` is the code that speaks for it from now on."""
        rejected = replace(
            proposal,
            accepted=False,
            stage=self._stage,
            reason=reason,
            guidelines=_cited(proposal, authority),
        )
        self._put(proposal, rejected)
        action: Action = "replace" if replacement else "reject"
        self._record(proposal, action, reason, authority, replacement)

    def replace(self, proposal: Proposal, code: str, why: str, authority: Authority) -> None:
        """Put ``code`` in the place of a proposal; one that is there already is not doubled."""
        if self.coded([code]):
            self.reject(proposal, f"{why}, reported as {code}", authority, replacement=code)
            return
        reason = f"{proposal.reason}; {why}, so {proposal.code} becomes {code}"
        new = replace(
            proposal,
            code=code,
            stage=self._stage,
            reason=reason,
            guidelines=_cited(proposal, authority),
        )
        self._record(proposal, "replace", reason, authority, code)
        self._put(proposal, new)

    def exchange(
        self,
        removed: Mapping[str, str | None],
        added: Sequence[str],
        support: Sequence[Proposal],
        why: str,
        authority: Authority,
    ) -> None:
        """Put codes in the place of others that together say the same.

        Args:
            removed: Codes that go, each with the code that takes its place, None where none does.
            added: Codes that come; each takes its evidence from ``support``, and from the most
                believable of it all else.
            support: Proposals that the change rests on, at least one.
            why: The reason, for a coder.
            authority: What asks for it.
        """
        basis = max(support, key=lambda p: p.confidence)
        because = " + ".join(dict.fromkeys(p.code for p in support))
        for code in added:
            new = replace(
                basis,
                code=code,
                evidence=merged_evidence(support),
                stage=self._stage,
                reason=f"{why} ({because})",
                guidelines=authority.sections,
            )
            self.proposals.append(new)
            self._record(new, "add", new.reason, authority)
        for code, successor in removed.items():
            instead = successor or ", ".join(added)
            reason = f"{why}: reported as {instead}" if instead else why
            for proposal in self.coded([code]):
                self.reject(proposal, reason, authority, replacement=successor)

    def move(self, code: str, target: str, why: str, authority: Authority) -> None:
        """Record that a code is put before another one; `coding_order` does it."""
        moved = next(p for p in self.proposals if p.accepted and p.code == code)
        self._record(moved, "move", f"put before {target}: {why}", authority)

    def _put(self, old: Proposal, new: Proposal) -> None:
        self.proposals = [new if p is old else p for p in self.proposals]

    def _record(
        self,
        proposal: Proposal,
        action: Action,
        reason: str,
        authority: Authority,
        replacement: str | None = None,
    ) -> None:
        self.context.recorder.decision(
            proposal.code,
            action,
            self._stage,
            reason,
            citation=authority.citation,
            rule=authority.rule,
            card=authority.card.id,
            replacement=replacement,
            options=self._options(proposal, action, replacement),
            voices=proposal.sources,
        )

    def _options(self, proposal: Proposal, action: Action, replacement: str | None) -> list[Option]:
        """Return what was chosen from: what the rule asks for, then what the evidence says.

        A code that takes another one's place has a score where the note speaks for it as well.
        """
        code, confidence = proposal.code, round(proposal.confidence, 4)
        by_evidence = Option(action="accept", code=code, score=confidence)
        if action == "accept":
            return [by_evidence, Option(action="reject", code=code, score=None)]
        if action == "add":
            added = Option(action="add", code=code, score=confidence)
            return [added, Option(action="reject", code=code, score=None)]
        if action == "replace" and replacement:
            beside = [p.confidence for p in self.coded([replacement]) if p is not proposal]
            score = round(max(beside), 4) if beside else None
            return [Option(action="replace", code=replacement, score=score), by_evidence]
        return [Option(action=action, code=code, score=None), by_evidence]


def giving_way(proposals: Iterable[Proposal]) -> list[Proposal]:
    """Return proposals of one condition in the order in which they give way to each other.

    A symptom gives way to a disease (guideline I.B.4), else the less believable code.
    """
    return sorted(proposals, key=lambda p: (p.code[0] != _SYMPTOMS, p.confidence, p.code))


def merged_evidence(parts: Sequence[Proposal]) -> tuple[Evidence, ...]:
    """Return the best evidence of each part, then the rest, each span once."""
    spans: dict[tuple[int, int], Evidence] = {}
    for rank in range(MAX_EVIDENCE):
        for part in parts:
            for evidence in part.evidence[rank : rank + 1]:
                spans.setdefault((evidence.start, evidence.end), evidence)
    return tuple(spans.values())[: max(MAX_EVIDENCE, len(parts))]


def _cited(proposal: Proposal, authority: Authority) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*proposal.guidelines, *authority.sections)))
