"""policy: the two coding policies as a decision layer over the accepted proposals.

``mentions`` leaves every documented finding as it is. ``guidelines`` codes as a US coder: each step
below drops or changes codes for one reason, and records it with the guideline section.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal

from agent.overlap import is_fragment, words_of
from agent.result import Evidence
from agent.state import MAX_EVIDENCE, CoderContext, Proposal, State
from knowledge.code_systems.icd10cm import ICD10CM
from knowledge.note_text import Note, SectionKind
from knowledge.policy_data import Change, Combination, apply_combination

_FINDING_SECTIONS: frozenset[SectionKind] = frozenset({"exam", "results", "review_of_systems"})
_ALLERGIES: frozenset[SectionKind] = frozenset({"allergies"})
# Overweight and obesity, malnutrition, abnormal weight: what a body mass index may go with.
_WEIGHT_DIAGNOSES = ("E40", "E41", "E43", "E44", "E45", "E46", "E66", "R63", "R64", "F50")
_ADULT_BMI_AGE = 20  # years
_EXTERNAL_CAUSES = ("V", "W", "X", "Y")
# Injuries, burns, poisoning and effects of the outside; not allergies (T78) and complications.
_INJURIES = ("S", *(f"T{tens}" for tens in (0, 1, 2, 3, 4, 5, 6)), "T71", "T74", "T75", "T76")


def apply_policy(state: State, context: CoderContext) -> State:
    """Apply the coding policy of the run to the accepted proposals."""
    if context.policy == "mentions":
        return {"proposals": state["proposals"]}
    layer = _Guidelines(state, context)
    steps: Sequence[Callable[[], None]] = (
        layer.fragments,
        layer.uncertain_diagnoses,
        layer.past_conditions,
        layer.family_conditions,
        layer.incidental_findings,
        layer.figures_without_a_diagnosis,
        layer.causes_without_an_injury,
        layer.combinations,
        layer.unspecified_codes,
        layer.integral_symptoms,
    )
    for step in steps:
        step()
    return {"proposals": layer.proposals}


class _Guidelines:
    """The proposals of one note while the steps of the policy change them."""

    def __init__(self, state: State, context: CoderContext) -> None:
        self.proposals = list(state["proposals"])
        self._note: Note = state["note"]
        self._outpatient = state["request"].context.setting == "outpatient"
        self._age = state["request"].context.age
        self._context = context

    def fragments(self) -> None:
        """Drop what is only a part of a longer wording that has its own code."""
        accepted = [p for p in self.proposals if p.accepted]
        for p in accepted:
            whole = next((q for q in accepted if q is not p and is_fragment(p, q)), None)
            if whole:
                self._reject(p, f"part of {whole.evidence[0].text!r} ({whole.code})", "I.B.2")

    def uncertain_diagnoses(self) -> None:
        """Code uncertain diagnoses of an inpatient as if they existed, of an outpatient not."""
        for p in self._accepted("possible"):
            if self._outpatient:
                reason = f"uncertain, and so not coded for an outpatient: {p.reason}"
                self._reject(p, reason, "IV.H")
            else:
                self._put(p, replace(p, guidelines=(*p.guidelines, "II.H")))

    def past_conditions(self) -> None:
        """Keep what is chronic, turn what is over into a history code or drop it."""
        for p in self._accepted("historical", "present"):
            listed = p.assertion == "present" and self._only_in(p, frozenset({"past_history"}))
            if p.code[0] == "Z" or (p.assertion == "present" and not listed):
                continue
            past = self._context.policy_data.past(p.code)
            if past.action == "replace" and past.code:
                self._replace(p, past.code, "a past condition, reported as history", past.citation)
            elif past.action == "keep":
                self._put(p, replace(p, guidelines=(*p.guidelines, past.citation)))
            elif not listed:
                self._reject(p, f"a past condition that is over: {p.reason}", past.citation)

    def family_conditions(self) -> None:
        """Turn a relative's disease into a family history code, or drop it."""
        for p in self._accepted("family"):
            entry = self._context.policy_data.family(self._active_code(p.code))
            if entry and entry.history:
                self._replace(p, entry.history, "a relative's condition", entry.citation)
            elif not p.code.startswith(("Z80", "Z81", "Z82", "Z83", "Z84")):
                self._reject(p, f"a relative's condition: {p.reason}", "I.C.21.c.4")

    def _active_code(self, code: str) -> str:
        """Return the disease behind a personal history code ("history of breast cancer")."""
        for entry in self._context.policy_data.history_codes:
            if entry.history == code:
                return entry.active[0]
        return code

    def incidental_findings(self) -> None:
        """Drop signs that only the examination, results or review of systems list."""
        for p in self._accepted("present", "possible"):
            if p.code[0] == "R" and self._only_in(p, _FINDING_SECTIONS):
                where = p.evidence[0].section or "the findings"
                self._reject(p, f"only listed under {where}, not assessed: {p.reason}", "III.B")
            elif p.code[0] != "Z" and self._only_in(p, _ALLERGIES):
                self._reject(p, f"a reaction named in the list of allergies: {p.reason}", "III")

    def figures_without_a_diagnosis(self) -> None:
        """Keep a body mass index only beside a weight diagnosis of an adult."""
        diagnosed = any(p.code.startswith(_WEIGHT_DIAGNOSES) for p in self._current())
        minor = self._age is not None and self._age < _ADULT_BMI_AGE
        for p in self._current():
            if p.code.startswith("Z68") and (minor or not diagnosed):
                why = "adult codes are for 20 years and over" if minor else "no weight diagnosis"
                self._reject(p, f"{why}: {p.reason}", "I.B.14")

    def causes_without_an_injury(self) -> None:
        """Keep external causes only beside what they have caused."""
        injured = any(p.code.startswith(_INJURIES) for p in self._current())
        for p in self._current():
            if p.code.startswith(_EXTERNAL_CAUSES) and not injured:
                self._reject(p, f"no injury that it would have caused: {p.reason}", "I.C.20.a")

    def combinations(self) -> None:
        """Apply each combination rule once, from top to bottom."""
        for rule in self._context.policy_data.combinations:
            codes = [p.code for p in self._current()]
            change = apply_combination(rule, codes)
            if change:
                self._combine(rule, change)

    def _combine(self, rule: Combination, change: Change) -> None:
        parts = [p for p in self._current() if p.code in change.because]
        basis = max(parts, key=lambda p: p.confidence)
        evidence = _merge_evidence(parts)
        for code in change.added:
            added = replace(
                basis,
                code=code,
                evidence=evidence,
                stage="policy",
                reason=f"{rule.message} ({' + '.join(change.because)})",
                guidelines=(rule.citation,),
            )
            self.proposals.append(added)
            self._record(added, "add", added.reason, rule.citation)
        for code, successor in change.removed.items():
            for p in [p for p in self._current() if p.code == code]:
                reason = f"{rule.message}: reported as {successor or ', '.join(change.added)}"
                self._reject(p, reason, rule.citation)

    def unspecified_codes(self) -> None:
        """Drop an unspecified code beside a specified one of the same condition."""
        system = self._context.system
        current = self._current()
        for p in current:
            if not _is_unspecified(system, p.code):
                continue
            better = next((q.code for q in current if _says_more(system, p, q)), None)
            if better:
                self._reject(p, f"unspecified beside {better}", "I.B.18")

    def integral_symptoms(self) -> None:
        """Drop symptoms that belong to a disease of the note."""
        codes = [p.code for p in self._current()]
        for p in self._current():
            found = self._context.policy_data.integral_to(p.code, codes)
            if found:
                disease, entry = found
                self._reject(p, f"integral to {disease}: {entry.why}", entry.citation)

    def _accepted(self, *assertions: str) -> list[Proposal]:
        return [p for p in self.proposals if p.accepted and p.assertion in assertions]

    def _current(self) -> list[Proposal]:
        """Return the accepted proposals of the patient's own conditions."""
        return [p for p in self.proposals if p.accepted and p.assertion != "family"]

    def _only_in(self, proposal: Proposal, kinds: frozenset[SectionKind]) -> bool:
        return all(self._note.section_at(e.start).kind in kinds for e in proposal.evidence)

    def _put(self, old: Proposal, new: Proposal) -> None:
        self.proposals = [new if p is old else p for p in self.proposals]

    def _reject(self, proposal: Proposal, reason: str, citation: str) -> None:
        rejected = replace(
            proposal,
            accepted=False,
            stage="policy",
            reason=reason,
            guidelines=(*proposal.guidelines, citation),
        )
        self._put(proposal, rejected)
        self._record(proposal, "reject", reason, citation)

    def _replace(self, proposal: Proposal, code: str, why: str, citation: str) -> None:
        """Put ``code`` in the place of a proposal; one that is there already is not doubled."""
        reason = f"{proposal.reason}; {why}, so {proposal.code} becomes {code}"
        self._record(proposal, "replace", reason, citation, replacement=code)
        if any(p.accepted and p.code == code for p in self.proposals):
            self._reject(proposal, f"{why}, reported as {code}", citation)
            return
        new = replace(
            proposal,
            code=code,
            stage="policy",
            reason=reason,
            guidelines=(*proposal.guidelines, citation),
        )
        self._put(proposal, new)

    def _record(
        self,
        proposal: Proposal,
        action: Literal["reject", "replace", "add"],
        reason: str,
        citation: str,
        replacement: str | None = None,
    ) -> None:
        self._context.recorder.decision(
            proposal.code, action, "policy", reason, citation=citation, replacement=replacement
        )


def _merge_evidence(parts: Sequence[Proposal]) -> tuple[Evidence, ...]:
    """Return the best evidence of each part, then the rest, each span once."""
    spans: dict[tuple[int, int], Evidence] = {}
    for rank in range(MAX_EVIDENCE):
        for part in parts:
            for evidence in part.evidence[rank : rank + 1]:
                spans.setdefault((evidence.start, evidence.end), evidence)
    return tuple(spans.values())[: max(MAX_EVIDENCE, len(parts))]


def _says_more(system: ICD10CM, unspecified: Proposal, other: Proposal) -> bool:
    """Tell whether ``other`` is the same condition, specified: by category or by its words."""
    if other.code[:3] == unspecified.code[:3] and not _is_unspecified(system, other.code):
        return True
    same_chapter = system.get(other.code).chapter == system.get(unspecified.code).chapter
    return same_chapter and words_of(unspecified) < words_of(other)


def _is_unspecified(system: ICD10CM, code: str) -> bool:
    return "unspecified" in system.get(code).title.lower()
