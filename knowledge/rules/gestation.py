"""Trimesters and weeks of pregnancy that do not go together."""

from collections.abc import Iterator

from knowledge.rules.context import Case
from knowledge.rules.findings import Finding, RuleCard, Severity
from knowledge.rules.mends import Mend
from knowledge.rules.obstetrics import (
    ABORTIVE_OUTCOMES,
    TRIMESTER,
    TRIMESTER_NAMES,
    Trimester,
    carried,
    gestation,
    in_childbirth_instead,
    trimester_of,
    trimesters,
)

_OF_PREGNANCY = ("O", "Z34")
_PUERPERAL = ("puerper", "postpartum", "lactation")


def trimester_mixed(case: Case, rule: RuleCard) -> Iterator[Finding]:
    """Find codes of different trimesters, where no week tells which is right."""
    if gestation(case):
        return
    named = {code: trimesters(case, code) for code in case.starting("O")}
    named = {
        code: some
        for code, some in named.items()
        if some and in_childbirth_instead(case, code) is None
    }
    if named and not frozenset.intersection(*named.values()):
        told = "; ".join(
            f"{code} {' and '.join(TRIMESTER_NAMES[one] for one in sorted(some))}"
            for code, some in named.items()
        )
        message = f"The codes are of different trimesters ({told})."
        fix = "use the trimester of the encounter; of a stay, that in which a complication began"
        yield rule.finding(named, message, fix=fix)


def trimester_weeks(case: Case, rule: RuleCard) -> Iterator[Finding]:
    """Find codes whose trimester is not that of the week, or is left open although it is known."""
    known = gestation(case)
    if known is None:
        return
    week, number = known
    right = trimester_of(number)
    for code in case.starting(*_OF_PREGNANCY):
        if in_childbirth_instead(case, code):
            continue  # at delivery no trimester is right, as the rule in_childbirth says
        named = trimesters(case, code)
        title = case.title(code)
        severity: Severity | None = None
        if not named and "unspecified trimester" in title:
            message = f"{code} leaves the trimester open, but {week} tells the week"
            severity = "warning"
        elif named and right not in named:
            message = f"{code} is of the {_listed(named)} trimester, but {week} is of another"
            if case.context.setting == "inpatient" and named == {right + 1}:
                message += " (unless the complication began later in the stay)"
                severity = "warning"
        else:
            continue
        message += f": the {TRIMESTER_NAMES[right]} trimester."
        other = _of_trimester(case, code, right)
        mend = Mend(remove=[code], add=[other]) if other else None
        yield rule.finding([code, week], message, severity=severity, mend=mend)


def week_conflict(case: Case, rule: RuleCard) -> Iterator[Finding]:
    """Find codes that are defined by a length of pregnancy which the week contradicts."""
    known = gestation(case)
    if known is None:
        return
    week, number = known
    for code in case.starting("O"):
        group = rule.group(code)
        if group and not group.admits(number):
            message = f"{code} and {week} do not go together: {group.why}."
            yield rule.finding([code, week], message, group=group)


def weeks_not_applicable(case: Case, rule: RuleCard) -> Iterator[Finding]:
    """Find a week of a pregnancy that ends early, or that has ended before the encounter."""
    reasons = case.starting("Z33.2") or _ended(case)
    for week in case.starting("Z3A") if reasons else ():
        message = (
            f"{week} does not go with {' and '.join(reasons)}: no week is reported with an "
            "abortive outcome, an elective termination, or after delivery."
        )
        yield rule.finding([week, *reasons], message, mend=Mend(remove=[week]))


def _ended(case: Case) -> list[str]:
    """Return the codes of pregnancy if all are of abortive outcome, or all of the puerperium."""
    codes = case.starting("O")
    ongoing = carried(case)
    if not ongoing:
        return [code for code in codes if code.startswith(ABORTIVE_OUTCOMES)]
    puerperal = all(_is_puerperal(case, code) for code in codes)
    return codes if puerperal and not case.starting("Z37") else []


def _is_puerperal(case: Case, code: str) -> bool:
    title = case.title(code).lower()
    return any(word in title for word in _PUERPERAL) and "pregnancy" not in title


def _of_trimester(case: Case, code: str, trimester: Trimester) -> str | None:
    """Return the code of the same condition in another trimester, with the same 7th character."""
    stem = case.system.stem(code)
    entry = case.system.get(stem)
    wanted = TRIMESTER.sub(f"{TRIMESTER_NAMES[trimester]} trimester", entry.title)
    if entry.parent is None or len(TRIMESTER.findall(entry.title)) != 1:
        return None
    for sibling in case.system.children(entry.parent):
        if case.system.get(sibling).title == wanted:
            if stem == code:
                return sibling
            return next((c for c in case.system.children(sibling) if c[-1] == code[-1]), None)
    return None


def _listed(named: frozenset[Trimester]) -> str:
    return " or ".join(TRIMESTER_NAMES[one] for one in sorted(named))
