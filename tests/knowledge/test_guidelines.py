import re
from importlib import resources
from string import ascii_lowercase, ascii_uppercase

import pytest

from knowledge.code_systems import get_code_system
from knowledge.guidelines import Card, card, cards_for, cited_sections, load_cards, parse_card
from knowledge.policy_data import load_policy
from knowledge.rules import RULES
from knowledge.strict_yaml import parse_yaml

POLICY_SECTIONS = {"integral_symptoms", "history_codes", "family_history_codes", "chronic"}
HEAD = "id: I.B.5\nsection: General\ntitle: T\nyear: 2026\ncodes: [R05]\nrules: []\n"
CITED = re.compile(r"\b(?:IV|I{1,3})(?:\.[A-Za-z0-9]+)+\b")
CODE = re.compile(r"\b[A-Z]\d[0-9A-Z](?:\.[0-9A-Z]{1,4})?\b(?!\.?-)")


def _numbers(last):
    return tuple(str(number) for number in range(1, last + 1))


def _letters(last):
    letters = ascii_uppercase if last.isupper() else ascii_lowercase
    return tuple(letters[: letters.index(last) + 1])


# The lettered and numbered sections of the FY 2026 guidelines, by the section that holds them.
# Chapters 3, 8 and 11 are reserved and have no text.
OUTLINE = {
    "I.A": _numbers(19),
    "I.B": _numbers(19),
    "I.C": ("17", "22"),
    "I.C.1": _letters("g"),
    "I.C.2": _letters("t"),
    "I.C.4": _letters("a"),
    "I.C.5": _letters("d"),
    "I.C.6": _letters("b"),
    "I.C.7": _letters("b"),
    "I.C.9": _letters("e"),
    "I.C.10": _letters("e"),
    "I.C.12": _letters("b"),
    "I.C.13": _letters("e"),
    "I.C.14": _letters("a"),
    "I.C.15": _letters("s"),
    "I.C.16": _letters("h"),
    "I.C.18": _letters("i"),
    "I.C.19": _letters("g"),
    "I.C.20": _letters("k"),
    "I.C.21": _letters("b"),
    "I.C.21.c": _numbers(17),
    "II": _letters("K"),
    "III": _letters("C"),
    "IV": _letters("Q"),
}
# I.A.8 refers to I.A.14; II.E was deleted in FY 2015.
WITHOUT_CARD = {"I.A.8", "II.E"}


def _front_matter():
    for path in resources.files("knowledge.guidelines").iterdir():
        if path.name.endswith(".md"):
            text = path.read_text(encoding="utf-8")
            yield path.name, parse_yaml(text.split("---\n")[1])


def test_every_section_of_the_guidelines_has_a_card():
    sections = {f"{above}.{name}" for above, names in OUTLINE.items() for name in names}
    ids = {c.id for c in load_cards()}
    assert sections - ids == WITHOUT_CARD
    assert {i for i in ids if not any(f"{i}.".startswith(f"{s}.") for s in sections)} == {
        "I.C.2",
        "II",
        "III",
    }


def test_files_bear_the_id_of_their_card():
    assert all(name == f"{head['id']}.md" for name, head in _front_matter())
    assert {c.year for c in load_cards()} == {2026}


def test_every_prefix_and_range_end_is_in_the_classification():
    codes = get_code_system("icd10cm").codes()
    prefixes = {code[:length] for code in codes for length in range(1, len(code) + 1)}
    ends = {(n, end) for n, h in _front_matter() for item in h["codes"] for end in item.split("-")}
    assert {(n, end) for n, end in ends if end not in prefixes} == set()


def test_codes_named_in_a_body_exist():
    system = get_code_system("icd10cm")
    codes = set(system.codes())
    named = {(c.id, code) for c in load_cards() for code in CODE.findall(c.body)}
    assert {(c, code) for c, code in named if code not in codes} == set()


def test_each_body_is_short_and_holds_one_example():
    for c in load_cards():
        requirement, example = c.body.split("\n\n")
        assert example.startswith("Example: "), c.id
        assert 1 <= len(re.findall(r"[.?](?:\s|$)", requirement)) <= 7, c.id


def test_each_example_names_a_code_that_can_be_reported():
    system = get_code_system("icd10cm")
    for c in load_cards():
        codes = CODE.findall(c.body.split("Example: ")[1])
        assert any(code in system and system.get(code).billable for code in codes), c.id


def test_each_rule_stands_in_the_cards_of_the_sections_it_cites():
    cited = {(name, s) for name, r in RULES.items() for s in CITED.findall(r.card.citation)}
    assert {("seventh_character", "I.A.4"), ("seventh_character", "I.A.5")} < cited
    assert _missing(cited) == set()


def test_the_parts_of_the_policy_stand_in_the_cards_of_the_sections_they_cite():
    policy = load_policy()
    parts = {name: getattr(policy, name) for name in POLICY_SECTIONS}
    assert _missing((name, e.citation) for name, part in parts.items() for e in part) == set()


def _missing(links):
    """Return the links from a rule to a section whose card does not name the rule."""
    return {(rule, s) for rule, s in links if (c := card(s)) is None or rule not in c.rules}


def test_rules_named_by_cards_exist_and_combinations_stand_in_the_card_they_cite():
    combinations = {rule.id: rule.citation for rule in load_policy().combinations}
    known = {*POLICY_SECTIONS} | set(combinations) | set(RULES)
    assert {(c.id, rule) for c in load_cards() for rule in c.rules if rule not in known} == set()
    assert _missing(combinations.items()) == set()


def test_cards_for_a_code_begin_with_the_most_specific():
    assert [c.id for c in cards_for("S82.62XA")] == [
        "I.C.19.c",
        "I.C.19.c.1",
        "I.C.19.a",
        "I.C.19.b",
        "I.C.19.b.2",
    ]
    assert "I.C.9.a" in {c.id for c in cards_for("I13.0")}
    assert cards_for("H52.13") == ()


@pytest.mark.parametrize(
    ("section", "found"),
    [("I.B.5", "I.B.5"), ("I.A.12.a", "I.A.12"), ("I.C.20.a.2", "I.C.20.a"), ("V.A", None)],
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
