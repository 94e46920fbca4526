"""What several rules need to know of pregnancy: its trimesters, its weeks, its delivery."""

import re
from collections.abc import Mapping
from functools import cache

from knowledge.code_systems import ICD10CM
from knowledge.rules.context import Case

Trimester = int  # 1 to 3

_ORDINALS: dict[str, Trimester] = {"first": 1, "second": 2, "third": 3}
TRIMESTER_NAMES: dict[Trimester, str] = {number: name for name, number in _ORDINALS.items()}
TRIMESTER = re.compile(r"\b(first|second|third|unspecified) trimester\b")
_SECOND_BEGINS, _THIRD_BEGINS = 14, 28  # completed weeks (tabular list at chapter 15)
_LESS_THAN_8, _MORE_THAN_42 = "Z3A.01", "Z3A.49"

ABORTIVE_OUTCOMES = tuple(f"O0{number}" for number in range(9))
_SEQUELAE = "O94"
# Deliveries by category; those of complications say "childbirth" in their titles.
_DELIVERIES = ("O60.1", "O60.2", "O64", "O65", "O66", "O67", "O68", "O69", "O70", "O80", "O82")
_STAGE = re.compile(r"\b(?:in|complicating) (?:pregnancy|childbirth)\b")
_IN_CHILDBIRTH = re.compile(r"\b(?:in|complicating) childbirth(?:,|$)")


def trimesters(case: Case, code: str) -> frozenset[Trimester]:
    """Return the trimesters that a title names: one, for preterm labor and delivery perhaps two."""
    named = TRIMESTER.findall(case.title(code))
    return frozenset(_ORDINALS[name] for name in named if name in _ORDINALS)


def weeks(code: str) -> int | None:
    """Return the completed weeks that a code of Z3A gives; None if it leaves them open.

    "Less than 8" counts as 7, "more than 42" as 43.
    """
    if code == _LESS_THAN_8:
        return 7
    if code == _MORE_THAN_42:
        return 43
    number = code.partition(".")[2]
    return int(number) if re.fullmatch(r"\d\d", number) and number != "00" else None


def trimester_of(completed_weeks: int) -> Trimester:
    """Return the trimester that a week of pregnancy is in."""
    return 1 + (completed_weeks >= _SECOND_BEGINS) + (completed_weeks >= _THIRD_BEGINS)


def gestation(case: Case) -> tuple[str, int] | None:
    """Return the code of the week with its number, None if there is not exactly one."""
    codes = case.starting("Z3A")
    number = weeks(codes[0]) if len(codes) == 1 else None
    return None if number is None else (codes[0], number)


def carried(case: Case) -> list[str]:
    """Return the codes of pregnancy, childbirth and puerperium without an abortive outcome."""
    return [
        code for code in case.starting("O") if not code.startswith((*ABORTIVE_OUTCOMES, _SEQUELAE))
    ]


def deliveries(case: Case) -> list[str]:
    """Return the codes which say that the child was born during the encounter."""
    return [
        code
        for code in case.starting("O")
        if code.startswith(_DELIVERIES) or is_in_childbirth(case.title(code))
    ]


def is_in_childbirth(title: str) -> bool:
    """Tell whether a title says that a disease complicates childbirth."""
    return _IN_CHILDBIRTH.search(title) is not None


def in_childbirth_instead(case: Case, code: str) -> str | None:
    """Return the code of the same disease in childbirth, for a code of pregnancy that has one.

    None too where the outcome (Z37) does not tell of a delivery in the encounter.
    """
    title = case.title(code)
    if (
        not case.starting("Z37")
        or is_in_childbirth(title)
        or not (TRIMESTER.search(title) or "in pregnancy" in title)
    ):
        return None
    return _childbirth_codes(case.system, code[:3]).get(_disease(title))


@cache
def _childbirth_codes(system: ICD10CM, category: str) -> Mapping[str, str]:
    """Return the codes of a category for diseases in childbirth, by the disease."""
    titles = {code: system.get(code).title for code in system.descendants(category)}
    return {_disease(title): code for code, title in titles.items() if is_in_childbirth(title)}


def _disease(title: str) -> str:
    """Return a title without the words of the stage."""
    words = _STAGE.sub(" ", TRIMESTER.sub(" ", title)).replace(",", " ")
    return " ".join(words.lower().split())
