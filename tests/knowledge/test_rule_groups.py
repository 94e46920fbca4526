"""The groups of codes on the cards of rules, and what rules on pregnancy read from titles."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.code_prefixes import expand
from knowledge.code_systems import get_code_system
from knowledge.rules import RULES, CodedItem, EncounterContext, check_rules
from knowledge.rules.context import Case
from knowledge.rules.episodes import episode
from knowledge.rules.obstetrics import is_in_childbirth, trimester_of, trimesters, weeks

SYSTEM = get_code_system()
EMPTY = Case([], EncounterContext(), SYSTEM)
BILLABLE = tuple(SYSTEM.codes(billable_only=True))
BEGINNINGS = {code[:length] for code in BILLABLE for length in range(1, len(code) + 1)}
OBSTETRIC = tuple(code for code in BILLABLE if code.startswith("O"))
GROUPED = [rule.card for rule in RULES.values() if rule.card.groups]


@pytest.mark.parametrize("card", GROUPED, ids=lambda card: card.id)
def test_every_item_of_a_group_has_codes(card):
    listed = {c for group in card.groups for c in (*group.codes, *group.other_than, *group.wanted)}
    assert [item for item in listed if BEGINNINGS.isdisjoint(expand([item]))] == []


@pytest.mark.parametrize("card", GROUPED, ids=lambda card: card.id)
def test_a_code_is_of_one_group(card):
    every = [code for group in card.groups for code in filter(group.covers, BILLABLE)]
    assert len(every) == len(set(every))


def test_weeks_and_their_trimesters_are_those_of_the_titles():
    counted = {code: weeks(code) for code in BILLABLE if code.startswith("Z3A")}
    assert (counted.pop("Z3A.00"), counted.pop("Z3A.01"), counted.pop("Z3A.49")) == (None, 7, 43)
    assert len(counted) == 35
    for code, week in counted.items():
        assert SYSTEM.get(code).title.startswith(f"{week} weeks")


@given(st.integers(0, 45))
def test_trimesters_follow_each_other(week):
    assert 0 <= trimester_of(week + 1) - trimester_of(week) <= 1
    assert trimester_of(week) == (1 if week < 14 else 2 if week < 28 else 3)


@pytest.mark.parametrize(
    ("code", "named"),
    [
        ("O99.013", {3}),
        ("O99.019", set()),
        ("O60.13X1", {2, 3}),
        ("Z34.02", {2}),  # "normal first pregnancy, second trimester"
        ("O80", set()),
    ],
)
def test_trimester_of_a_title(code, named):
    assert trimesters(EMPTY, code) == named


@given(st.sampled_from([code for code in OBSTETRIC if trimesters(EMPTY, code)]))
def test_at_delivery_a_disease_in_pregnancy_becomes_one_in_childbirth(code):
    items = [CodedItem(code), CodedItem("Z37.0")]
    for found in check_rules(["in_childbirth"], items, EncounterContext(), SYSTEM):
        assert found.mend is not None
        (instead,) = found.mend.add
        assert is_in_childbirth(SYSTEM.get(instead).title)
        assert SYSTEM.get(instead).billable
        assert instead[:3] == code[:3]


@given(st.sampled_from(OBSTETRIC), st.integers(8, 42))
def test_the_week_leaves_a_code_of_its_trimester(code, week):
    """What the mend of trimester_weeks proposes is itself found right."""
    items = [CodedItem(code), CodedItem(f"Z3A.{week:02d}")]
    for found in check_rules(["trimester_weeks"], items, EncounterContext(), SYSTEM):
        if found.mend:
            (instead,) = found.mend.add
            again = [CodedItem(instead), items[1]]
            assert check_rules(["trimester_weeks"], again, EncounterContext(), SYSTEM) == []
            assert trimesters(EMPTY, instead) == {trimester_of(week)}


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("S72.001A", "initial"),
        ("S72.001C", "initial"),
        ("S72.001G", "subsequent"),
        ("S72.001S", "sequela"),
        ("M80.051P", "subsequent"),
        ("H40.1111", None),  # a stage
        ("O36.5932", None),  # a fetus
        ("R40.2111", None),  # a time
        ("I10", None),
    ],
)
def test_episode(code, told):
    assert episode(EMPTY, code) == told


def test_an_inpatient_may_have_reached_the_next_trimester():
    items = [CodedItem("O99.013"), CodedItem("Z3A.27")]
    severities = [
        check_rules(["trimester_weeks"], items, EncounterContext(setting=setting), SYSTEM)[
            0
        ].severity
        for setting in ("inpatient", "outpatient")
    ]
    assert severities == ["warning", "error"]


def test_a_group_brings_its_own_citation_and_severity():
    items = [CodedItem("Z59.02", "principal")]
    (found,) = check_rules(["never_principal"], items, EncounterContext(), SYSTEM)
    assert found.severity == "warning"
    assert found.citation == "ICD-10-CM Guidelines I.B.14 and I.C.21.c.17"
