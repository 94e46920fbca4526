"""Code sets argued by hand (tests/data/rules): the whole engine says of each what its entry says.

An entry has the codes, the first being the principal diagnosis, perhaps an ``admitting`` one, what
is known of the encounter, and ``expect``: every rule that speaks as a warning or error, and those
for information that matter.
"""

from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.code_systems import get_code_system
from knowledge.official.releases_at_hand import icd10cm_of
from knowledge.rules import DEFAULT_RULES, CodedItem, EncounterContext, Finding, apply_mend, check

SYSTEM = get_code_system()
OFFICIAL = Path(__file__).parents[1] / "data/official"
FILES = sorted((Path(__file__).parents[1] / "data/rules").glob("*.yaml"))
CASES = [
    pytest.param(case, id=f"{path.stem}-{case['codes']}: {case['because']}")
    for path in FILES
    for case in yaml.safe_load(path.read_text("utf-8"))
]
# Rules that judge the order of the codes, or which of them is the principal diagnosis.
SEQUENCING = {
    "abuse_first",
    "adverse_effect_first",
    "antineoplastic_first",
    "birth_first",
    "birth_weight_first",
    "burn_order",
    "code_first",
    "covid_first",
    "external_cause_order",
    "external_cause_principal",
    "manifestation_principal",
    "never_principal",
    "poisoning_first",
    "postprocedural_sepsis",
    "pregnancy_first",
    "sepsis_before_local_infection",
    "sequela_first",
    "severe_sepsis_infection",
}


def coded(case: dict[str, Any]) -> list[CodedItem]:
    spans = case.get("evidence", {})
    admitting = [CodedItem(code, "admitting") for code in case.get("admitting", "").split()]
    return admitting + [
        CodedItem(code, "secondary" if at else "principal", tuple(map(tuple, spans.get(code, ()))))
        for at, code in enumerate(case["codes"].split())
    ]


def context(case: dict[str, Any]) -> EncounterContext:
    given = {key: case[key] for key in ("sex", "age", "setting", "date") if key in case}
    return EncounterContext(**given)


@pytest.mark.parametrize("case", CASES)
def test_cases_are_judged_as_argued(case):
    found = check(coded(case), context(case), SYSTEM)
    serious = {f.rule for f in found if f.severity != "info"}
    assert serious <= set(case["expect"]) <= {f.rule for f in found}


def test_there_are_enough_cases_half_of_them_clean_and_every_rule_speaks_in_one():
    cases = [case for (case,) in (param.values for param in CASES)]
    assert {rule for case in cases for rule in case["expect"]} == set(DEFAULT_RULES)
    assert sum(not case["expect"] for case in cases) >= len(cases) / 2
    assert all(case["because"] for case in cases)


def is_mended(finding: Finding, items: list[CodedItem], encounter: EncounterContext) -> bool:
    assert finding.mend is not None
    after = check(apply_mend(items, finding.mend), encounter, SYSTEM)
    return (finding.rule, finding.codes) not in [(f.rule, f.codes) for f in after]


@pytest.mark.parametrize("case", CASES)
def test_a_mend_removes_its_finding(case):
    items = coded(case)
    for finding in check(items, context(case), SYSTEM):
        assert finding.mend is None or is_mended(finding, items, context(case))


def test_a_release_without_most_of_the_codes_is_judged_too():
    small = icd10cm_of(OFFICIAL)
    for (case,) in (param.values for param in CASES):
        found = check(coded(case), context(case), small)
        added = {code for f in found if f.mend for code in f.mend.add}
        assert all(code in small for code in added)


encounters = st.builds(
    EncounterContext,
    st.sampled_from(["inpatient", "outpatient"]),
    st.sampled_from([None, "F", "M"]),
    st.none() | st.floats(0, 110),
    st.none() | st.dates(date(2015, 10, 1), date(2030, 1, 1)),
)
ARGUED = sorted({code for (case,) in (p.values for p in CASES) for code in case["codes"].split()})
# Random codes seldom have to do with each other; those of the argued sets often do.
codes = st.sampled_from(tuple(SYSTEM.codes())[::7]) | st.sampled_from(ARGUED)


@settings(deadline=None)
@given(st.lists(codes, max_size=12), encounters)
def test_any_code_set_is_judged_and_its_mends_mend(some, encounter):
    items = coded({"codes": " ".join(some)})
    for finding in check(items, encounter, SYSTEM):
        assert set(finding.codes) <= set(some)
        assert finding.mend is None or is_mended(finding, items, encounter)


@settings(deadline=None)
@given(st.lists(codes, max_size=12), encounters, st.randoms())
def test_the_order_of_secondary_codes_matters_only_to_sequencing(some, encounter, rng):
    def unordered(some):
        found = check(coded({"codes": " ".join(some)}), encounter, SYSTEM)
        return sorted((f.rule, sorted(f.codes)) for f in found if f.rule not in SEQUENCING)

    shuffled = [*some[:1], *rng.sample(some[1:], len(some[1:]))]
    assert unordered(some) == unordered(shuffled)


def test_a_bilateral_code_is_named():
    (found,) = check(coded({"codes": "H25.011 H25.012"}), EncounterContext(), SYSTEM)
    assert found.severity == "error"
    assert found.fix == "report H25.013 instead of H25.011 and H25.012"
    assert found.citation == "ICD-10-CM Guidelines I.B.13"
