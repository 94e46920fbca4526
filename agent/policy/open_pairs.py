"""What the rules leave to judgement: pairs of codes of which one may have to go.

Three kinds of pairs are left open: a symptom beside a disease that may explain it where the table
of the policy is silent; an unspecified code beside a specified one of its category that rests on
other words; two codes that exclude each other and rest on separate passages, so that the exception
for unrelated conditions may hold.
"""

from collections.abc import Iterator
from typing import NamedTuple

from agent.encounter import encounter_context
from agent.policy.authority import Authority
from agent.policy.ledger import Ledger, giving_way
from agent.policy.wording import UNSPECIFIED, specified_beside
from agent.state import Proposal
from agent.trace.events import JudgementKind
from knowledge.rules import CodedItem, check_rules

EXCLUDES1 = Authority("excludes1", "I.A.12.a")
INTEGRAL = Authority("integral_symptoms", "I.B.5")


class OpenPair(NamedTuple):
    """Two proposals and the question that decides whether both stand.

    Attributes:
        kind: The question.
        first: The one that goes if the answer is yes.
        second: The one that stays.
        authority: The rule or step that leaves the pair open.
    """

    kind: JudgementKind
    first: Proposal
    second: Proposal
    authority: Authority

    @property
    def codes(self) -> tuple[str, str]:
        """Both codes, the one that may go first."""
        return self.first.code, self.second.code


def open_pairs(ledger: Ledger) -> list[OpenPair]:
    """Return the pairs left open, those first that matter most; each code is to go once at most."""
    pairs: dict[str, OpenPair] = {}
    for find in (_exclusions, _unspecified, _symptoms):
        for pair in find(ledger):
            if not pairs.keys() & set(pair.codes):
                pairs[pair.first.code] = pair
    return list(pairs.values())


def _exclusions(ledger: Ledger) -> Iterator[OpenPair]:
    by_code = {p.code: p for p in ledger.current()}
    items = [
        CodedItem(p.code, evidence=tuple((e.start, e.end) for e in p.evidence))
        for p in by_code.values()
    ]
    encounter = encounter_context(ledger.encounter)
    for finding in check_rules([EXCLUDES1.rule], items, encounter, ledger.context.system):
        if finding.severity == "warning":
            first, second = giving_way(by_code[code] for code in finding.codes)
            if finding.mend and finding.mend.remove == [second.code]:
                first, second = second, first
            yield OpenPair("same_condition", first, second, EXCLUDES1)


def _unspecified(ledger: Ledger) -> Iterator[OpenPair]:
    for p in giving_way(ledger.current()):
        better = specified_beside(p, ledger)
        if better:
            yield OpenPair("same_condition", p, better, UNSPECIFIED)


def _symptoms(ledger: Ledger) -> Iterator[OpenPair]:
    current = ledger.current()
    for p in giving_way(current):
        diseases = [q for q in current if _is_open(p.code, q.code, ledger)]
        if diseases:
            # Of several diseases the one told nearest to the symptom is most likely to explain it.
            nearest = min(diseases, key=lambda q: (_distance(p, q), q.code))
            yield OpenPair("integral_symptom", p, nearest, INTEGRAL)


def _is_open(symptom: str, disease: str, ledger: Ledger) -> bool:
    """Tell whether a disease may explain a symptom and no note asks for the code of both."""
    if not ledger.context.policy_data.may_explain(disease, symptom):
        return False
    notes = ledger.context.system.notes(disease)
    return not any(n.kind in ("use_additional", "code_also") and n.matches(symptom) for n in notes)


def _distance(a: Proposal, b: Proposal) -> int:
    """Return the characters between the nearest evidence of two proposals."""
    return min(abs(x.start - y.start) for x in a.evidence for y in b.evidence)
