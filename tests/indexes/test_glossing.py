import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexes.candidates import Candidate, Mention
from indexes.cognates import Cognates
from indexes.glossing import GlossedGenerator, Glosser, Lexicon
from indexes.language import SPANISH
from indexes.term_table import Term
from indexes.terms import TermGenerator
from indexes.tokens import text_stems
from knowledge.abbreviations import load_abbreviations
from knowledge.errors import UserError
from knowledge.note_text import Note, Span

ENGLISH_WORDS = (
    "pheochromocytoma cholangiocarcinoma glomerulonephritis thrombocytosis hemiplegia synovitis "
    "keratosis hemorrhoids esophagus strabismus pneumothorax cardiopathy infection "
    "keratoconjunctivitis"
).split()
LEXICON = Lexicon(
    {
        SPANISH.stem("insuficiencia"): ("failure", "insufficiency"),
        SPANISH.stem("riñón"): ("kidney",),
        SPANISH.stem("aguda"): ("acute",),
        SPANISH.stem("dolor"): ("pain",),
        SPANISH.stem("rodilla"): ("knee",),
    }
)


@pytest.fixture(scope="module")
def glosser():
    return Glosser(LEXICON, Cognates(ENGLISH_WORDS), load_abbreviations("es"))


def parse(text):
    return Note.parse(text, language="es")


@pytest.mark.parametrize(
    ("spanish", "english"),
    [
        ("feocromocitoma", "pheochromocytoma"),
        ("colangiocarcinoma", "cholangiocarcinoma"),
        ("glomerulonefritis", "glomerulonephritis"),
        ("trombocitosis", "thrombocytosis"),
        ("hemiplejía", "hemiplegia"),
        ("hemorroides", "hemorrhoids"),
        ("queratoconjuntivitis", "keratoconjunctivitis"),
        ("estrabismo", "strabismus"),
        ("neumotórax", "pneumothorax"),
        ("cardiopatías", "cardiopathy"),
        ("infecciones", "infection"),
        ("infeción", "infection"),  # misspelt
        ("esófago", "esophagus"),
        ("mesa", None),
        ("zapatilla", None),
    ],
)
def test_cognates(spanish, english):
    assert Cognates(ENGLISH_WORDS).english(spanish) == english


def test_a_gloss_says_each_word_in_its_place(glosser):
    gloss = glosser.gloss(parse("Insuficiencia aguda del riñón. HTA e hemiplejía, 3 días."))
    first = "failure insufficiency acute kidney ."
    assert gloss.note.text.startswith(f"{first} hypertension hemiplegia , 3")
    assert gloss.note.slice(gloss.note.sentences[0].span) == first
    assert gloss.note.language == "en"


def test_fixed_wordings_win_over_their_words_and_keep_their_place(glosser):
    text = "Con índice de masa corporal de 32."
    gloss = glosser.gloss(parse(text))
    at = gloss.note.text.index("BMI")
    assert text[slice(*_bounds(gloss.back(Span(at, at + 3))))] == "índice de masa corporal"


def test_short_abbreviations_count_as_written_only(glosser):
    assert "atrial" in glosser.stems(parse("FA rápida")) | text_stems("atrial")
    assert "fibril" not in glosser.stems(parse("fa sostenido"))


def _bounds(span):
    return span.start, span.end


def test_an_english_generator_finds_the_spanish_words(glosser, system):
    term = Term("title", "M25.569", "Pain in unspecified knee", text_stems("pain knee"))
    generator = GlossedGenerator(TermGenerator([term], system, ()), glosser, system)
    text = "Acude por dolor en la rodilla."
    (found,) = generator.candidates(parse(text), 10)
    (mention,) = found.mentions
    assert found.code == "M25.569"
    assert text[slice(*_bounds(mention.span))] == "dolor en la rodilla"
    assert generator.name == "terms"


def test_codes_are_completed_by_the_english_words(glosser, system):
    class Category:
        name = "bm25"

        def candidates(self, note, k):
            span = Span(0, len(note.text))
            return [Candidate("M25.56", 1.0, (Mention(span, 1.0, "", self.name),))]

    codes = [
        c.code
        for c in GlossedGenerator(Category(), glosser, system).candidates(parse("dolor rodilla"), 9)
    ]
    assert codes == ["M25.56", "M25.569"]


def test_the_lexicon_is_read_as_written(tmp_path):
    path, again = tmp_path / "a.gz", tmp_path / "b.gz"
    LEXICON.save(path)
    Lexicon.load(path).save(again)
    assert Lexicon.load(path) == LEXICON
    assert path.read_bytes() == again.read_bytes()


def test_a_damaged_lexicon_is_refused(tmp_path):
    path = tmp_path / "lexicon.tsv.gz"
    path.write_bytes(b"no lexicon")
    with pytest.raises(UserError, match="is no lexicon"):
        Lexicon.load(path)


@given(
    st.lists(
        st.sampled_from(
            ["dolor", "HTA", "la", ".", ",", "\n", "rodilla", "xyz", "12", "síndrome febril"]
        ),
        max_size=25,
    )
)
def test_every_gloss_leads_back_to_words_of_the_note(glosser, words):
    note = parse(" ".join(words))
    gloss = glosser.gloss(note)
    assert len(gloss.glossed) == len(gloss.original)
    for at, place in zip(gloss.glossed, gloss.original, strict=True):
        assert gloss.back(at) == place
        assert 0 <= place.start < place.end <= len(note.text)
        assert gloss.note.slice(at)
    whole = gloss.back(Span(0, len(gloss.note.text)))
    assert (whole is None) == (not gloss.original)
