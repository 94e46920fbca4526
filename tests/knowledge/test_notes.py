import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.code_systems import get_code_system
from knowledge.note_references import all_notes, unresolved_references
from knowledge.notes import (
    LETTERED_CATEGORIES,
    CodeRef,
    build_notes,
    parse_references,
)

SYSTEM = get_code_system()
CODES = tuple(SYSTEM.codes())


@pytest.mark.parametrize(
    ("text", "references"),
    [
        ("pneumonia (J15.-)", ["J15"]),
        ("pneumonia (J15.3-J15.4)", ["J15.3-J15.4"]),
        ("intestinal infections (A00-A09)", ["A00-A09"]),
        ("sepsis (O03.37, O03.87)", ["O03.37", "O03.87"]),
        ("inhalant abuse (F18.1-)", ["F18.1"]),
        ("hallucinations (F10-F19 with .151, .251)", ["F10-F19 with character 4 = 151, 251"]),
        ("angiopathy (E08-E13 with .51-.52)", ["E08-E13 with character 4 = 51, 52"]),
        ("poisoning (T36.0X5)", ["T36.0X5"]),
        ("fever (I01.0 -I01.9)", ["I01.0-I01.9"]),
        ("arthritis (M05.00 to M05.8A)", ["M05.00-M05.8A"]),
        ("atherosclerosis (I70.2--I70.7-)", ["I70.2-I70.7"]),
        ("infarction (I69.81- I69.91-)", ["I69.81", "I69.91"]),
        ("stuttering (I69. with final characters -23)", ["I69 with character 5 = 23"]),
        ("open fracture (S42.- with 7th character B or C)", ["S42 with character 7 = B, C"]),
        ("gangrene [I96]", ["I96"]),
        (
            "drug (T36-T50 with fifth or sixth character 5)",
            ["T36-T50 with character 5 or 6 = 5"],
        ),
        (
            "underdosing (T36-T50) with fifth or sixth character 6",
            ["T36-T50 with character 5 or 6 = 6"],
        ),
        (
            "dementia (F10-F19, with .17, .27) and (G30.-)",
            ["F10-F19 with character 4 = 17, 27", "G30"],
        ),
        ("vitamin B12 deficiency anemia", []),
        ("any type in A15", []),
    ],
)
def test_parse_references(text: str, references: list[str]):
    assert [str(ref) for ref in parse_references(text)] == references


@pytest.mark.parametrize(
    ("text", "covered", "not_covered"),
    [
        ("(J15.-)", ["J15", "J15.0", "J15.211"], ["J16.0", "J1"]),
        ("(J15.3-J15.4)", ["J15.3", "J15.4"], ["J15", "J15.5", "J15.211"]),
        ("(E08-E13 with .62-)", ["E11.620", "E13.628"], ["E11.65", "E14.62", "E11"]),
        ("(T36-T50 with fifth or sixth character 5)", ["T40.415A", "T39.95XA", "T42.4X5D"],
         ["T40.411A", "T39.91XA", "T42.4X1A", "T51.0X5A", "T38"]),
        ("(T36-T65 with fifth or sixth character 1-4)", ["T40.411A", "T39.92"], ["T40.415A"]),
        ("(S02.- with 7th character B)", ["S02.0XXB"], ["S02.0XXA", "S02.0"]),
        ("(I69. with final characters -23)", ["I69.323"], ["I69.321", "I69.398"]),
        ("(A00-B99)", ["A00", "B99.9"], ["C00"]),
        ("(J40-J47)", ["J44.0", "J4A.0"], ["J60"]),
        ("(C76-C80)", ["C77.0"], ["C7A.00", "C7B.01"]),
    ],
)  # fmt: skip
def test_matches(text: str, covered: list[str], not_covered: list[str]):
    (ref,) = parse_references(text)
    assert [code for code in covered if not ref.matches(code)] == []
    assert [code for code in not_covered if ref.matches(code)] == []


@given(st.sampled_from(CODES))
def test_a_reference_covers_exactly_its_subtree(code: str):
    ref = CodeRef(code, code)
    assert ref.matches(code)
    assert all(ref.matches(below) for below in SYSTEM.descendants(code))
    assert not any(ref.matches(above) for above in SYSTEM.ancestors(code))


@given(st.sampled_from(CODES), st.sampled_from(CODES), st.sampled_from(CODES))
def test_ranges_agree_with_the_official_order(first: str, last: str, code: str):
    order = {category: at for at, category in enumerate(dict.fromkeys(c[:3] for c in CODES))}
    first, last = sorted((first[:3], last[:3]), key=order.__getitem__)
    inside = order[first] <= order[code[:3]] <= order[last]
    assert CodeRef(first, last).matches(code) == inside


def test_lettered_categories_are_those_of_the_tabular_list():
    categories = list(dict.fromkeys(code[:3] for code in CODES))
    lettered = [category for category in categories if not category[1:].isdigit()]
    assert sorted(lettered) == sorted(LETTERED_CATEGORIES)


def test_references_resolve():
    references = [ref for note in all_notes(SYSTEM) for ref in note.refs]
    unresolved = {(note.carrier, str(ref)) for note, ref in unresolved_references(SYSTEM)}
    assert len(references) > 11_000
    assert unresolved == {("F02", "G31.90"), ("R10.85", "R10.1-R10.4")}


def test_a_colon_governs_the_excluded_conditions_after_it():
    groups = [("excludes1", ["gastritis NOS (K29.7)", "myopathy in:", "sarcoidosis (D86.87)"])]
    first, second = build_notes("G73.7", groups)
    assert first.text == "gastritis NOS (K29.7)"
    assert second.text == "myopathy in: sarcoidosis (D86.87)"
    assert str(second) == "Excludes1: myopathy in: sarcoidosis (D86.87)"
    assert second.carrier == "G73.7"


def test_alternatives_of_one_instruction_are_one_note():
    lines = ["underlying disease, such as:", "gout (M10.-)", "amyloidosis (E85.-)"]
    (note,) = build_notes("G99.8", [("code_first", lines)])
    assert str(note) == "Code first underlying disease, such as: gout (M10.-); amyloidosis (E85.-)"
    assert [ref.first for ref in note.refs] == ["M10", "E85"]
    assert not note.conditional


def test_a_second_instruction_in_the_same_element_is_a_note_of_its_own():
    lines = ["code to identify:", "tobacco use (Z72.0)", "code, if known, for cause (B95-B97)"]
    first, second = build_notes("J44", [("use_additional", lines)])
    assert [first.refs[0].first, second.refs[0].last] == ["Z72.0", "B97"]
    assert [first.conditional, second.conditional] == [False, True]


@pytest.mark.parametrize(
    ("lines", "conditional"),
    [
        ([", if applicable, associated influenza (J10.0-)"], True),
        (["underlying condition, if known"], True),
        (["any associated:", "fracture of skull (S02.-)"], True),
        (["any follow-up examination after treatment (Z09)"], True),
        (["tachycardia complicating:", "ectopic pregnancy (O08.8)"], True),
        (["heart failure due to hypertension (I11.0)", "rheumatic heart failure (I09.81)"], True),
        (["underlying neoplasm (C00-D49)"], False),
        (["underlying disease, such as:", "amyloidosis (E85.-)"], False),
    ],
)
def test_conditional(lines: list[str], conditional: bool):
    (note,) = build_notes("X", [("code_first", lines)])
    assert note.conditional is conditional


@given(st.text(max_size=60))
def test_parse_references_reads_any_text_and_keeps_what_it_knows(text: str):
    parse_references(f"{text} (E11.- {text})")
    assert CodeRef("I10", "I10") in parse_references(f"hypertension (I10) {text}") or "with" in text
