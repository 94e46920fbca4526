import pytest

from indexes.coded_notes import CodedNote
from knowledge.dataset_row import DatasetRow
from knowledge.errors import UserError
from knowledge.spanish_row import spanish_row

SPANISH = "Dolor y enrojecimiento en el ojo. Asma."
ROW = {
    "id": "n",
    "text": "Pain and redness in the eye. Asthma.",
    "text_es": SPANISH,
    "codes": ["H57.10", "J45.909"],
    "evidence": [
        {
            "kind": "diagnosis",
            "code": "H57.10",
            "phrase_es": "Dolor ojo",
            "spans_es": [[29, 32], [0, 5]],
            "lines_en": [[0, 28]],
        },
        {
            "kind": "diagnosis",
            "code": "J45.909",
            "phrase_es": "Asma",
            "spans_es": [[34, 38]],
            "lines_en": [[29, 36]],
        },
        {
            "kind": "diagnosis",
            "code": "J45.909",
            "phrase_es": "",
            "spans_es": [[3, 3]],
            "lines_en": [],
        },
    ],
}


@pytest.fixture
def row():
    return spanish_row(DatasetRow.model_validate(ROW))


def test_the_text_is_the_original_and_says_so(row):
    assert (row.text, row.language, row.text_es) == (SPANISH, "es", None)
    assert row.codes == ("H57.10", "J45.909")


def test_a_discontinuous_mention_keeps_its_pieces_in_the_order_of_the_text(row):
    eye, asthma = row.evidence  # the empty one has no place
    assert (eye.start, eye.end, eye.spans) == (0, 32, ((0, 5), (29, 32)))
    assert (asthma.start, asthma.end, asthma.spans) == (34, 38, ((34, 38),))


def test_it_reads_as_written(row):
    again = DatasetRow.model_validate(row.to_json())
    assert again == row
    assert spanish_row(again) is again
    coded = CodedNote.from_row(again)
    assert coded.note.language == "es"
    assert [coded.note.slice(e.span) for e in coded.evidence] == ["Dolor", "ojo", "Asma"]


def test_a_row_without_spanish_text_is_refused():
    with pytest.raises(UserError, match="'n' has no Spanish text"):
        spanish_row(DatasetRow.model_validate({"id": "n", "text": "Pain."}))


def test_pieces_lie_in_the_text():
    evidence = {"code": "R52", "start": 0, "end": 4, "pieces": [[0, 2], [40, 44]]}
    with pytest.raises(ValueError, match="40-44 lies outside text"):
        DatasetRow.model_validate({"id": "n", "text": "Dolor.", "evidence": [evidence]})
