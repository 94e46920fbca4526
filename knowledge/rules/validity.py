"""Is each code complete and reported once: level of detail, 7th character, duplicates."""

from collections import Counter
from collections.abc import Iterator, Mapping

from knowledge.rules.context import Case
from knowledge.rules.findings import Finding, RuleCard
from knowledge.rules.mends import Mend

_MAX_CHOICES = 8


def unknown_code(case: Case, rule: RuleCard) -> Iterator[Finding]:
    """Find codes that do not exist, other than by their 7th character."""
    for code in _codes(case):
        if code in case.system or _stem_of_faulty(case, code):
            continue
        prefix = case.system.nearest(code)
        message = f"{code} is no code of {case.system.name} {case.system.release}."
        near = case.system.children(prefix)[:_MAX_CHOICES] if prefix else ()
        fix = f"near it: {', '.join((prefix, *near))}" if prefix else None
        yield rule.finding([code], message, fix=fix)


def billable(case: Case, rule: RuleCard) -> Iterator[Finding]:
    """Find codes that have more detailed codes below them."""
    for code in _codes(case):
        if code not in case.system or case.system.get(code).billable:
            continue
        if _needs_seventh(case, code):
            continue
        children = case.system.children(code)
        choices = ", ".join(children[:_MAX_CHOICES])
        more = f" and {len(children) - _MAX_CHOICES} more" if len(children) > _MAX_CHOICES else ""
        message = f"{code} ({case.system.get(code).title}) is a heading and cannot be reported."
        yield rule.finding([code], message, fix=f"choose below it: {choices}{more}")


def seventh_character(case: Case, rule: RuleCard) -> Iterator[Finding]:
    """Find codes without the 7th character they need, or with one that does not fit."""
    for code in _codes(case):
        if code in case.system:
            if _needs_seventh(case, code):
                allowed = _allowed(case.system.seventh_characters(code))
                example = case.system.children(code)[0]
                message = f"{code} needs a 7th character: {allowed}."
                yield rule.finding([code], message, fix=f"complete it, as in {example}")
            continue
        stem = _stem_of_faulty(case, code)
        if stem:
            yield _faulty(case, rule, code, stem)


def duplicates(case: Case, rule: RuleCard) -> Iterator[Finding]:
    """Find codes that are reported more than once; the admitting diagnosis does not count."""
    for code, count in Counter(item.code for item in case.sequence).items():
        if count > 1:
            message = f"{code} is reported {count} times; a code is reported once an encounter."
            mend = Mend(remove=[code], add=[code])
            yield rule.finding([code], message, fix=f"keep one {code}", mend=mend)


def _faulty(case: Case, rule: RuleCard, code: str, stem: str) -> Finding:
    """Say what is wrong with the characters after a stem that takes a 7th one."""
    characters = case.system.seventh_characters(stem)
    added = code.replace(".", "")[len(stem.replace(".", "")) :]
    right = next((full for full in case.system.children(stem) if full[-1] == added[-1]), None)
    if right is not None:
        message = (
            f"{code} has its 7th character in the wrong place: {stem} is filled up with the "
            "placeholder X to six characters first."
        )
        return rule.finding([code], message, mend=Mend(remove=[code], add=[right]))
    message = f"{code} has no valid 7th character; {stem} allows {_allowed(characters)}."
    return rule.finding(
        [code], message, fix=f"complete {stem}, as in {case.system.children(stem)[0]}"
    )


def _stem_of_faulty(case: Case, code: str) -> str | None:
    """Return the stem that a non-existing code extends, if that stem takes a 7th character."""
    prefix = case.system.nearest(code)
    return prefix if prefix and _needs_seventh(case, prefix) else None


def _needs_seventh(case: Case, code: str) -> bool:
    """Tell whether only the 7th character is missing."""
    children = case.system.children(code)
    return bool(children) and case.system.stem(children[0]) == code


def _codes(case: Case) -> tuple[str, ...]:
    return tuple(dict.fromkeys(item.code for item in case.items))


def _allowed(characters: Mapping[str, str]) -> str:
    return "; ".join(f"{character} {meaning}" for character, meaning in characters.items())
