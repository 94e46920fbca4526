"""Several stages of an ulcer at one site (I.C.12)."""

from collections import defaultdict
from collections.abc import Iterator

from knowledge.rules.context import Case
from knowledge.rules.findings import Finding, RuleCard, Severity

_PRESSURE = tuple(f"L89.{site}" for site in range(9))  # L89.9 names no site
_NOT_PRESSURE = ("L97", "L98.4", "L98.A")
# Last character: the stage, or how deep the ulcer reaches.
_UNSTAGEABLE, _UNSPECIFIED = "0", "9"
_STAGES = frozenset("1234")
_USUAL = 2  # the stage on admission and the highest one


def ulcer_stages(case: Case, rule: RuleCard) -> Iterator[Finding]:
    """Find several stages at one site; an unspecified one is left to specificity."""
    sites: dict[str, list[str]] = defaultdict(list)
    for code in case.codes:
        ulcer = code.startswith(_PRESSURE + _NOT_PRESSURE)
        if ulcer and case.system.get(code).billable and code[-1] != _UNSPECIFIED:
            sites[code[:-1]].append(code)
    for codes in sites.values():
        if len(codes) > 1:
            yield _several(case, rule, codes)


def _several(case: Case, rule: RuleCard, codes: list[str]) -> Finding:
    stages = {code[-1] for code in codes}
    if codes[0].startswith(_PRESSURE) and _UNSTAGEABLE in stages and stages & _STAGES:
        hidden = next(code for code in codes if code[-1] == _UNSTAGEABLE)
        message = (
            f"{' and '.join(codes)} are of one site: an ulcer that was unstageable until its stage "
            "was revealed takes the code of that stage alone."
        )
        fix = f"drop {hidden} if it is the same ulcer"
        return rule.finding(codes, message, severity="warning", fix=fix)
    message = (
        f"{' and '.join(codes)} are of one site. Two are right for an ulcer that worsened during "
        "the stay, its stage on admission and its highest one, or for two ulcers."
    )
    severity: Severity = "warning" if len(codes) > _USUAL else rule.severity
    return rule.finding(codes, message, severity=severity)
