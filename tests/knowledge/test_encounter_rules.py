from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.code_systems import get_code_system
from knowledge.rules import CodedItem, EncounterContext, Finding, check_rules

SYSTEM = get_code_system()
RULES = (
    "external_cause_once",
    "sequela_first",
    "laterality",
    "sex_conflict",
    "age_conflict",
    "pregnancy_first",
    "pregnancy_weeks",
    "body_mass_index",
    "coma_scale",
)
CASES = yaml.safe_load((Path(__file__).parents[1] / "data/rules/encounter.yaml").read_text("utf-8"))


def findings(codes: list[str], sex: str | None = None, age: float | None = None) -> list[Finding]:
    items = [CodedItem(c, "secondary" if at else "principal") for at, c in enumerate(codes)]
    return check_rules(RULES, items, EncounterContext(sex=sex, age=age), SYSTEM)


@pytest.mark.parametrize("case", CASES, ids=[f"{c['codes']}: {c['because']}" for c in CASES])
def test_cases_are_judged_as_argued(case):
    codes = case["codes"].split()
    assert all(code in SYSTEM for code in codes)
    found = findings(codes, case.get("sex"), case.get("age"))
    assert sorted({f.rule for f in found}) == sorted(case["expect"])


def test_every_rule_has_a_case_that_speaks_and_half_are_clean():
    assert {rule for case in CASES for rule in case["expect"]} == set(RULES)
    clean = sum(not case["expect"] for case in CASES)
    assert clean >= len(CASES) / 2


@pytest.mark.parametrize(
    ("codes", "mended"),
    [
        ("H25.011 H25.012", "H25.013"),
        ("H25.013 H25.011", "H25.013"),
        ("H40.1111 H40.1121", "H40.1131"),
        ("S82.66XA S82.65XA", "S82.65XA"),
        ("Z68.32 I10", "I10"),
        ("T23.001S L90.5", "L90.5 T23.001S"),
        ("D50.9 O99.012 Z3A.20", "O99.012 D50.9 Z3A.20"),
    ],
)
def test_the_proposed_mend_removes_the_finding(codes, mended):
    (found,) = findings(codes.split())
    assert any(code in found.fix for code in (*mended.split(), *codes.split()))
    assert findings(mended.split()) == []


def test_a_bilateral_code_is_named():
    (found,) = findings(["H25.011", "H25.012"])
    assert found.severity == "error"
    assert found.fix == "report H25.013 instead of the two"
    assert found.citation == "ICD-10-CM Guidelines I.B.13"


@settings(deadline=None)
@given(
    st.lists(st.sampled_from(tuple(SYSTEM.codes())[::7]), max_size=10),
    st.sampled_from([None, "F", "M"]),
    st.none() | st.floats(0, 110),
    st.randoms(),
)
def test_any_code_set_is_judged_and_order_matters_only_to_sequencing(codes, sex, age, rng):
    def unordered(found):
        names = {"sequela_first", "pregnancy_first"}
        return sorted((f.rule, sorted(f.codes)) for f in found if f.rule not in names)

    shuffled = rng.sample(codes, len(codes))
    assert unordered(findings(codes, sex, age)) == unordered(findings(shuffled, sex, age))
