"""Which mend of a finding is sound for the proposals of a note, and how it changes them.

A rule knows codes alone. What it proposes has to hold for a note, too: a code that comes rests on
evidence, the principal diagnosis goes only where another code of the finding takes its place, and
what an earlier mend did is not undone.
"""

from collections.abc import Callable, Mapping, Sequence

from agent.nodes.ordering import coding_order, may_lead, must_precede
from agent.policy.authority import Authority
from agent.policy.ledger import Ledger, giving_way
from agent.state import Proposal
from indexes.specificity import sentence_stems, specify
from knowledge.rules import RULES, Finding, Mend


def sound_mend(finding: Finding, ledger: Ledger, made: Sequence[Mend]) -> Mend | None:
    """Return the mend of a finding that is to be made, None where the finding is for the coder.

    Args:
        finding: Of the codes that the ledger holds, or held before other mends.
        ledger: The proposals.
        made: Mends made so far.
    """
    if not _is_mended(finding, ledger):
        return None
    # Of what a finding was about some may be gone by now; the next check looks anew.
    if any(not ledger.coded([code]) for code in finding.codes):
        return None
    mend = finding.mend or _WITHOUT_PROPOSAL.get(finding.rule, _none)(finding, ledger)
    if mend is None or not _changes_something(mend, ledger, made) or _undoes(mend, made):
        return None
    system = ledger.context.system
    if any(code not in system or not system.get(code).billable for code in mend.add):
        return None
    if mend.add and not _support(mend, finding, ledger):
        return None
    mend = _with_principal(mend, finding, ledger, made)
    return mend if mend and _keeps_places(mend, ledger, made) else None


def make(mend: Mend, finding: Finding, ledger: Ledger) -> None:
    """Make a mend that is sound."""
    authority = Authority(finding.rule, finding.citation)
    why = finding.message.rstrip(".")
    for code in set(mend.remove) & set(mend.add):
        _keep_one(ledger.coded([code]), why, authority, ledger)
    gone = [code for code in mend.remove if code not in mend.add and ledger.coded([code])]
    coming = [code for code in mend.add if not ledger.coded([code])]
    if len(gone) == len(mend.add) == 1:
        title = RULES[finding.rule].card.title
        for proposal in ledger.coded(gone):
            ledger.replace(proposal, mend.add[0], title[0].lower() + title[1:], authority)
    elif gone and not mend.add:
        for proposal in ledger.coded(gone):
            ledger.reject(proposal, finding.message, authority)
    elif gone or coming:
        removed = {code: next(iter(mend.add), None) for code in gone}
        ledger.exchange(removed, coming, _support(mend, finding, ledger), why, authority)
    if mend.before:
        ledger.move(*mend.before, why, authority)


def _is_mended(finding: Finding, ledger: Ledger) -> bool:
    """Tell whether findings of this kind are mended: errors, and the warnings of the policy."""
    if finding.severity == "warning":
        return finding.rule in ledger.context.policy_data.mended_warnings
    return finding.severity == "error"


def _changes_something(mend: Mend, ledger: Ledger, made: Sequence[Mend]) -> bool:
    gone = [code for code in mend.remove if code not in mend.add]
    if ledger.coded(gone) or any(len(ledger.coded([code])) != 1 for code in mend.add):
        return True
    return mend.before is not None and not _in_place(mend, _order(ledger, made))


def _undoes(mend: Mend, made: Sequence[Mend]) -> bool:
    """Tell whether a mend brings back what an earlier one removed, or moves it back."""
    removed = {code for earlier in made for code in earlier.remove if code not in earlier.add}
    moved = {earlier.before[::-1] for earlier in made if earlier.before}
    return bool(removed.intersection(mend.add)) or mend.before in moved


def _support(mend: Mend, finding: Finding, ledger: Ledger) -> list[Proposal]:
    """Return what the codes that come rest on: those that go, else those of the finding."""
    return ledger.coded(mend.remove) or ledger.coded(finding.codes)


def _with_principal(
    mend: Mend, finding: Finding, ledger: Ledger, made: Sequence[Mend]
) -> Mend | None:
    """Let what replaces the principal diagnosis, or stays of the finding, take its place."""
    order = _order(ledger, made)
    gone = set(mend.remove) - set(mend.add)
    if not order or order[0].code not in gone or mend.before:
        return mend
    heirs = [code for code in (*mend.add, *finding.codes) if code not in gone and may_lead(code)]
    if not heirs:
        return None
    heir = heirs[0]
    following = next((p.code for p in order if p.code not in {*gone, heir}), None)
    if following is None or must_precede(following, heir, ledger.context.system):
        return mend
    return mend.model_copy(update={"before": (heir, following)})


def _keeps_places(mend: Mend, ledger: Ledger, made: Sequence[Mend]) -> bool:
    """Tell whether the places that this and earlier mends ask for go together."""
    if mend.before is None:
        return True
    wanted = [*made, mend]
    order = _order(ledger, wanted)
    return all(_in_place(m, order) for m in wanted if m.before)


def _order(ledger: Ledger, mends: Sequence[Mend]) -> list[Proposal]:
    return coding_order(ledger.proposals, ledger.note, ledger.context, mends)


def _in_place(mend: Mend, order: Sequence[Proposal]) -> bool:
    """Tell whether the codes stand as a mend asks; those that are not there are no matter."""
    codes = [p.code for p in order]
    before, target = mend.before or ("", "")
    return not {before, target} <= set(codes) or codes.index(before) < codes.index(target)


def _keep_one(doubles: Sequence[Proposal], why: str, authority: Authority, ledger: Ledger) -> None:
    strongest = max(doubles, key=lambda p: p.confidence)
    for proposal in doubles:
        if proposal is not strongest:
            ledger.reject(proposal, why, authority)


def _drop_one(finding: Finding, ledger: Ledger) -> Mend | None:
    """Of codes that exclude each other drop the one that gives way."""
    return Mend(remove=[giving_way(ledger.coded(finding.codes))[0].code])


def _complete(finding: Finding, ledger: Ledger) -> Mend | None:
    """Complete a code that needs more characters from the words around its evidence."""
    proposal = ledger.coded(finding.codes)[0]
    words = sentence_stems(ledger.note, proposal.evidence[0].start)
    code = specify(ledger.context.system, proposal.code, words)
    return Mend(remove=[proposal.code], add=[code]) if code else None


def _none(finding: Finding, ledger: Ledger) -> Mend | None:
    return None


# Mends that need the note, for rules that propose none.
_WITHOUT_PROPOSAL: Mapping[str, Callable[[Finding, Ledger], Mend | None]] = {
    "excludes1": _drop_one,
    "billable": _complete,
    "seventh_character": _complete,
}
