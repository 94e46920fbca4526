"""Clinical rules in detail: severities, mends and citations beyond the sets argued by hand."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.code_systems import get_code_system
from knowledge.policy_data import load_policy
from knowledge.rules import CodedItem, EncounterContext, apply_mend, check_rules
from knowledge.rules.context import Case
from knowledge.rules.laterality import differ_in_side
from knowledge.rules.policy_changes import joinings

SYSTEM = get_code_system()
CONTEXT = EncounterContext()


def coded(codes: str) -> list[CodedItem]:
    return [
        CodedItem(code, "secondary" if at else "principal") for at, code in enumerate(codes.split())
    ]


def findings(codes: str, rule: str):
    return check_rules([rule], coded(codes), CONTEXT, SYSTEM)


@pytest.mark.parametrize(
    ("codes", "rule", "severity", "fix"),
    [
        ("I10 I50.32 N18.4", "combination_code", "error", "report I13.0 instead of I10"),
        # I51.7 makes it hypertensive heart disease, to which the kidney disease comes.
        (
            "I10 I51.7 N18.6",
            "combination_code",
            "error",
            "report I13.11 instead of I10 and I51.7",
        ),
        (
            "N18.31 I10",
            "combination_code",
            "error",
            "report I12.9 instead of I10; put I12.9 before N18.31",
        ),
        ("E11.65 N18.31", "combination_code", "error", "add E11.22; put E11.22 before N18.31"),
        ("J44.9 J18.9", "combination_code", "warning", "report J44.0 instead of J44.9"),
        ("J44.1 J18.9", "combination_code", "warning", "add J44.0"),
        ("K80.20 K81.0", "excludes1", "error", "report K80.00 instead of K80.20 and K81.0"),
        ("E11.9 R73.9", "excludes1", "error", "report E11.65 instead of E11.9 and R73.9"),
        ("K52.9 R19.7", "excludes1", "error", "drop R19.7"),
        ("F10.20 F10.10", "excludes1", "error", "drop F10.10"),
        ("E10.9 E11.9", "excludes1", "error", None),
        ("J18.9 R05.9", "integral_symptom", "warning", "drop R05.9"),
        ("I50.22 I50.9", "unspecified_beside_specified", "warning", "drop I50.9"),
        (
            "L03.115 L03.90",
            "unspecified_beside_specified",
            "warning",
            "drop L03.90 unless it stands for another site or another illness",
        ),
        ("T36.0X5A L27.0", "adverse_effect_first", "error", "put L27.0 before T36.0X5A"),
        (
            "T42.4X5A R40.0 R42",
            "adverse_effect_first",
            "error",
            "put what it led to before T42.4X5A",
        ),
        ("J96.01 T40.1X1A", "poisoning_first", "error", "put T40.1X1A before J96.01"),
        ("R65.20 A41.9", "severe_sepsis_infection", "error", "put A41.9 before R65.20"),
        ("A41.9 R65.20 R65.21", "septic_shock", "error", "drop R65.20"),
        ("A41.9 R57.9 R65.21", "septic_shock", "warning", "drop R57.9"),
        ("U07.1 Z20.822", "covid_states", "warning", "drop Z20.822"),
        ("C56.1 Z51.11", "antineoplastic_first", "warning", "put Z51.11 before C56.1"),
        ("C80.1 C34.11", "unspecified_malignancy", "warning", "drop C80.1"),
    ],
)
def test_severity_and_mend(codes, rule, severity, fix):
    (found,) = findings(codes, rule)
    assert (found.severity, found.fix) == (severity, fix)
    assert fix is None or found.mend is None or str(found.mend) == fix


@pytest.mark.parametrize(
    ("codes", "severity"),
    [
        ("J18.9 R65.20", "warning"),
        ("R65.20 J18.9", "error"),
    ],
)
def test_severe_sepsis_without_its_infection_is_worst_as_principal_diagnosis(codes, severity):
    (found,) = findings(codes, "severe_sepsis_infection")
    assert (found.severity, found.mend) == (severity, None)
    assert found.codes == ["R65.20"]


@pytest.mark.parametrize(
    ("codes", "severity"), [("T36.0X5A", "error"), ("Z88.0 T36.0X5A", "warning")]
)
def test_adverse_effect_without_its_nature(codes, severity):
    (found,) = findings(codes, "adverse_effect_nature")
    assert found.severity == severity


def test_a_combination_cites_its_section_and_says_what_codes_cannot_tell():
    (found,) = findings("I10 N18.31", "combination_code")
    assert found.citation == "ICD-10-CM Guidelines I.C.9.a"
    assert found.message.endswith("whether the record calls the conditions unrelated.")
    (found,) = findings("J44.1 J44.9", "combination_code")
    assert "unrelated" not in found.message


def test_a_symptom_that_a_note_asks_for_stays():
    assert findings("N40.1 R35.1", "integral_symptom") == []
    assert findings("N95.1 R61", "integral_symptom") == []


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("M25.561", "M25.569", True),
        ("H05.119", "H05.113", True),
        ("H25.011", "H25.031", False),
        ("I50.9", "I50.22", False),
    ],
)
def test_codes_that_differ_in_side(first, second, same):
    assert differ_in_side(Case([], CONTEXT, SYSTEM), first, second) is same


PARTS = sorted(
    {
        next(code for code in SYSTEM.codes(billable_only=True) if code.startswith(prefix))
        for combination in load_policy().combinations
        for group in combination.when
        for prefix in group
        if any(code.startswith(prefix) for code in SYSTEM.codes(billable_only=True))
    }
)


@settings(deadline=None)
@given(st.lists(st.sampled_from(PARTS), max_size=8, unique=True))
def test_mending_combinations_comes_to_an_end(codes):
    items = coded(" ".join(codes))
    for _ in range(len(codes) + 1):
        due = [f for f in check_rules(["combination_code"], items, CONTEXT, SYSTEM) if f.mend]
        if not due:
            break
        items = apply_mend(items, due[0].mend)
    assert check_rules(["combination_code"], items, CONTEXT, SYSTEM) == []


@settings(deadline=None)
@given(st.lists(st.sampled_from(PARTS), max_size=8, unique=True), st.randoms())
def test_combinations_do_not_depend_on_the_order(codes, rng):
    def outcome(some):
        case = Case(coded(" ".join(some)), CONTEXT, SYSTEM)
        return {
            (frozenset(j.codes), frozenset(j.removed), frozenset(j.added)) for j in joinings(case)
        }

    assert outcome(codes) == outcome(rng.sample(codes, len(codes)))
