import re
from importlib import resources

import pytest

from knowledge.code_systems import get_code_system
from knowledge.guidelines import Card, card, cards_for, cited_sections, load_cards, parse_card
from knowledge.policy_data import load_policy
from knowledge.rules import RULES
from knowledge.strict_yaml import parse_yaml

SECTIONS = {"integral_symptoms", "history_codes", "family_history_codes", "chronic"}
HEAD = "id: I.B.5\nsection: General\ntitle: T\nyear: 2026\ncodes: [R05]\nrules: []\n"


def _front_matter():
    for path in resources.files("knowledge.guidelines").iterdir():
        if path.name.endswith(".md"):
            text = path.read_text(encoding="utf-8")
            yield path.name, parse_yaml(text.split("---\n")[1])


def test_there_are_enough_cards_and_files_bear_their_id():
    assert len(load_cards()) >= 40
    assert all(name == f"{head['id']}.md" for name, head in _front_matter())
    assert {c.year for c in load_cards()} == {2026}


def test_every_prefix_and_range_end_is_in_the_classification():
    codes = list(get_code_system("icd10cm").codes())
    ends = {(n, end) for n, h in _front_matter() for item in h["codes"] for end in item.split("-")}
    unknown = {(n, e) for n, e in ends if not any(code.startswith(e) for code in codes)}
    assert unknown == set()


def test_codes_named_in_a_body_exist():
    system = get_code_system("icd10cm")
    codes = set(system.codes())
    pattern = re.compile(r"\b[A-Z]\d[0-9A-Z](?:\.[0-9A-Z]{1,4})?\b(?!\.?-)")
    named = {(c.id, code) for c in load_cards() for code in pattern.findall(c.body)}
    assert len(named) > 100
    assert {(c, code) for c, code in named if code not in codes} == set()


def test_each_body_is_short_and_holds_one_example():
    for c in load_cards():
        requirement, example = c.body.split("\n\n")
        assert example.startswith("Example: "), c.id
        assert 1 <= len(re.findall(r"[.?](?:\s|$)", requirement)) <= 7, c.id


def test_rules_named_by_cards_exist_and_combinations_stand_in_the_card_they_cite():
    combinations = {rule.id: rule.citation for rule in load_policy().combinations}
    known = SECTIONS | set(combinations) | set(RULES)
    assert {(c.id, rule) for c in load_cards() for rule in c.rules if rule not in known} == set()
    missing = {i for i, section in combinations.items() if i not in card(section).rules}
    assert missing == set()


def test_cards_for_a_code_begin_with_the_most_specific():
    assert [c.id for c in cards_for("S82.62XA")] == ["I.C.19.c", "I.C.19.a", "I.C.19.b"]
    assert "I.C.9.a" in {c.id for c in cards_for("I13.0")}
    assert cards_for("H52.13") == ()


@pytest.mark.parametrize(
    ("section", "found"),
    [("I.B.5", "I.B.5"), ("I.A.12.a", "I.A.12"), ("I.C.20.a.6", "I.C.20.a"), ("V.A", None)],
)
def test_a_section_finds_its_card_or_the_one_above(section, found):
    result = card(section)
    assert (result.id if result else None) == found


@pytest.mark.parametrize(
    ("citation", "sections"),
    [
        ("I.B.5", ("I.B.5",)),
        ("III", ("III",)),
        ("ICD-10-CM Guidelines I.A.13; tabular list at J18", ("I.A.13",)),
        ("ICD-10-CM Guidelines I.C.20.b, I.C.20.c and I.B.10", ("I.C.20.b", "I.C.20.c", "I.B.10")),
        ("tabular list at I50", ()),
    ],
)
def test_the_sections_of_a_citation(citation, sections):
    assert cited_sections(citation) == sections


def test_parse_card_reads_what_is_written():
    parsed = parse_card(f"---\n{HEAD}---\n\nBody.\n")
    assert parsed == Card("I.B.5", "General", "T", 2026, ("R05",), (), "Body.")


@pytest.mark.parametrize(
    "text",
    [
        f"{HEAD}---\nBody.\n",
        f"---\n{HEAD}---\n\n",
        f"---\n{HEAD}colour: red\n---\nBody.\n",
        f"---\n{HEAD}title: again\n---\nBody.\n",
        f"---\n{HEAD.replace('2026', 'soon')}---\nBody.\n",
        f"---\n{HEAD.replace('R05', 'R05-J01')}---\nBody.\n",
        f"---\n{HEAD.replace('I.B.5', '5')}---\nBody.\n",
    ],
)
def test_a_malformed_card_is_refused(text):
    with pytest.raises(ValueError, match=r"."):
        parse_card(text)
