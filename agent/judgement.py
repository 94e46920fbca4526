"""Questions of judgement to the LLM, and what its answers do to the findings.

The rules decide what they can; here is what is left (`agent.policy.open_pairs`). An answer counts
only where its log-odds lie outside the band of indecision of the settings, which is chosen on
argued questions (``icd-agent eval judgements``). Without a band the LLM is not asked, and the pair
is pointed out to the coder.
"""

from collections.abc import Iterable, Sequence

from agent.asking import Question, ask, quoted
from agent.policy.open_pairs import EXCLUDES1, INTEGRAL, OpenPair
from agent.settings import Band, Settings
from agent.state import CoderContext, Judged, Proposal
from agent.trace.events import JudgementKind
from knowledge.code_systems.icd10cm import ICD10CM
from knowledge.note_text import Note, Span
from knowledge.rules import Finding


def judge(pairs: Sequence[OpenPair], note: Note, context: CoderContext) -> list[Judged]:
    """Judge open pairs, record each judgement, and keep within the budget of questions."""
    judged = []
    questions = context.settings.max_judgements if context.llm else 0
    for pair in pairs:
        band = band_of(pair.kind, context.settings)
        asks = band is not None and questions > 0
        questions -= asks
        odds = ask_about(pair, note, context) if asks else None
        answer = band.answer(odds) if band and odds is not None else "undecided"
        judged.append(Judged(pair.kind, pair.codes, answer, odds, pair.authority))
        context.recorder.judgement(
            kind=pair.kind,
            codes=pair.codes,
            answer=answer,
            log_odds=odds,
            yes_from=band.yes_from if band and asks else None,
            no_to=band.no_to if band and asks else None,
            rule=pair.authority.rule,
            citation=pair.authority.citation,
            card=pair.authority.card.id,
        )
    return judged


def band_of(kind: JudgementKind, settings: Settings) -> Band | None:
    """Return the band of indecision for a kind of question; None: the LLM is not asked."""
    return settings.integral_symptom if kind == "integral_symptom" else settings.same_condition


def ask_about(pair: OpenPair, note: Note, context: CoderContext) -> float | None:
    """Ask the LLM about a pair; the context has one.

    Returns:
        The log-odds of yes, in nats; None where it gave no usable answer.
    """
    assert context.llm is not None
    return ask(_question(pair, context.system), note, context.llm, context)


def _question(pair: OpenPair, system: ICD10CM) -> Question:
    first, second = pair.first, pair.second
    spans = [e for p in (first, second) for e in p.evidence[:1]]
    return Question(
        prompt=f"judge_{pair.kind}",
        codes=pair.codes,
        passage=Span(min(e.start for e in spans), max(e.end for e in spans)),
        variables={
            "guideline": " ".join(pair.authority.card.body.split()),
            "first": system.get(first.code).title,
            "first_words": _words(first),
            "second": system.get(second.code).title,
            "second_words": _words(second),
        },
    )


def _words(proposal: Proposal) -> str:
    return quoted(" ".join(proposal.evidence[0].text.split()))


def with_judgements(
    findings: Iterable[Finding], judged: Iterable[Judged], codes: Iterable[str], system: ICD10CM
) -> list[Finding]:
    """Return findings as judgements change them, and those that undecided pairs add.

    Args:
        findings: Of the rules.
        judged: What was judged before.
        codes: The codes as they stand; pairs that are no longer both there say nothing.
        system: The code system.
    """
    assigned = set(codes)
    standing = [j for j in judged if assigned.issuperset(j.codes)]
    exclusions = {frozenset(j.codes): j for j in standing if j.authority.rule == EXCLUDES1.rule}
    changed = [
        _after_judgement(f, exclusions.get(frozenset(f.codes))) if f.rule == EXCLUDES1.rule else f
        for f in findings
    ]
    told = {frozenset(f.codes) for f in changed}
    left = [j for j in standing if j.answer == "undecided" and frozenset(j.codes) not in told]
    return [*changed, *(_finding(j, system) for j in left)]


def _after_judgement(finding: Finding, judged: Judged | None) -> Finding:
    if judged is None or judged.log_odds is None:
        return finding
    if judged.answer == "no":
        message = f"{finding.message} {voice(judged)} takes them as unrelated."
        return finding.model_copy(update={"severity": "info", "message": message})
    return finding.model_copy(
        update={"message": f"{finding.message} {voice(judged)} leaves it open."}
    )


def _finding(judged: Judged, system: ICD10CM) -> Finding:
    """Return what an undecided pair tells the coder."""
    first, second = (f"{code} ({system.get(code).title})" for code in judged.codes)
    if judged.authority.rule == INTEGRAL.rule:
        message = f"{first} may be a routine part of {second}; no table entry says whether it is."
        condition = "it is"
    else:
        message = f"{first} stands beside {second} and rests on other words."
        condition = "both mean one condition"
    if judged.log_odds is not None:
        message += f" {voice(judged)} leaves it open."
    return Finding(
        rule=judged.authority.rule,
        severity="info" if judged.log_odds is None else "warning",
        codes=list(judged.codes),
        message=message,
        citation=f"ICD-10-CM Guidelines {judged.authority.citation}",
        fix=f"drop {judged.codes[0]} if {condition}",
    )


def voice(judged: Judged) -> str:
    """Name the LLM with the log-odds of its answer."""
    return f"The LLM (log-odds {judged.log_odds:+.1f})"
