import pytest

from indexes.language import SPANISH
from indexes.lexicon_learning import learn_lexicon, line_pairs, title_pairs
from knowledge.code_systems import get_code_system
from knowledge.dataset_row import DatasetRow
from knowledge.errors import UserError
from knowledge.spanish_titles import spanish_titles

TEXTS = [
    ("Fractura de rodilla", "Fracture of knee"),
    ("Dolor de rodilla", "Pain in knee"),
    ("Fractura de tobillo", "Fracture of ankle"),
    ("Dolor de tobillo", "Pain in ankle"),
    ("Dolor de oído", "Ear pain"),
]


def test_words_that_stand_for_each_other_are_found():
    words = learn_lexicon(TEXTS).words
    assert words[SPANISH.stem("fracturas")] == ("fracture",)
    assert words[SPANISH.stem("rodilla")] == ("knee",)
    assert words[SPANISH.stem("dolores")] == ("pain",)
    assert words[SPANISH.stem("oído")][0] == "ear"


def test_nothing_is_learned_from_nothing():
    assert learn_lexicon([("", "knee"), ("de la", "of the")]).words == {}


def test_lines_of_a_bilingual_note_are_paired_once_a_sentence():
    spanish = "Tiene asma. Refiere dolor y tos."
    evidence = [
        {"kind": "diagnosis", "code": code, "phrase_es": "", "spans_es": [span], "lines_en": [line]}
        for code, span, line in (
            ("J45.909", [6, 10], [0, 11]),
            ("R52", [20, 25], [12, 28]),
            ("R05.9", [28, 31], [12, 28]),
        )
    ]
    row = {
        "id": "n",
        "text": "Has asthma.\nPain with cough.",
        "text_es": spanish,
        "evidence": evidence,
    }
    assert list(line_pairs(DatasetRow.model_validate(row))) == [
        ("Tiene asma. ", "Has asthma."),
        ("Refiere dolor y tos.", "Pain with cough."),
    ]


def test_titles_pair_the_spanish_with_each_english_edition(system):
    editions = (system, get_code_system("icd10who"))
    titles = {"A01.0": "Fiebre tifoidea", "A01": "Fiebres tifoidea y paratifoidea", "Z99.Z": "?"}
    assert list(title_pairs(titles, editions)) == [
        ("Fiebre tifoidea", "Typhoid fever"),
        ("Fiebres tifoidea y paratifoidea", "Typhoid and paratyphoid fevers"),
    ]


def test_the_package_of_titles_has_them_dotted():
    try:
        titles = spanish_titles()
    except UserError as missing:
        pytest.skip(str(missing))
    assert titles["A01.0"] == "Fiebre tifoidea"
    assert len(titles) > 10_000
