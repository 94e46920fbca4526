import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexes.mentions import (
    MentionGenerator,
    MentionTable,
    NGram,
    NGramFinder,
    Reading,
    content_words,
)
from indexes.tokens import text_stems
from knowledge.errors import UserError
from knowledge.note_text import Note


def ngram(words, notes, *codes, partial=False):
    readings = tuple(Reading(code, count, partial, words) for code, count in codes)
    return NGram(text_stems(words), notes, readings)


TABLE = MentionTable(
    (
        ngram("fever", 10, ("R50.9", 9)),
        ngram("pain", 20, ("R52", 8), ("R10.9", 2)),
        ngram("abdominal pain", 10, ("R10.9", 9)),
        ngram("high temperature", 2, ("R50.9", 2)),
        ngram("cholecystitis", 4, ("K81.9", 3)),
        ngram("polyp", 9, ("K31.7", 1), partial=True),
        ngram("gastric polyp", 2, ("K31.7", 2)),
        ngram("hyperkalemia", 3, ("E87.5", 3)),
    )
)
WORDS = sorted({w for n in TABLE.ngrams for w in n.readings[0].term.split()})


@pytest.fixture(scope="module")
def generator():
    return MentionGenerator(TABLE)


def found(generator, text):
    return {c.code: c for c in generator.candidates(Note.parse(text), 50)}


def words_of(text, candidate):
    return [text[m.span.start : m.span.end] for m in candidate.mentions]


def test_the_probability_is_the_smoothed_share_of_notes():
    fever = TABLE.ngrams[0]
    assert fever.probability(fever.readings[0]) == pytest.approx(9.2 / 11)
    # Marked where the look-up itself does not find it: a share is at most 1.
    rare = ngram("fever", 0, ("R50.9", 1))
    assert rare.probability(rare.readings[0]) == pytest.approx(1.2 / 2)


def test_distinct_ngrams_of_a_code_add_up_and_repetition_does_not(generator):
    once = found(generator, "Fever.")["R50.9"]
    twice = found(generator, "Fever. Later the fever fell.")["R50.9"]
    both = found(generator, "Fever. A high temperature was noted.")["R50.9"]
    assert once.score == twice.score == pytest.approx(9.2 / 11)
    assert both.score == pytest.approx(1 - (1 - 9.2 / 11) * (1 - 2.2 / 3))
    assert both.sources == {"mentions": both.score}


def test_the_mentions_are_the_words_best_first(generator):
    text = "High temperature at home. On arrival FEVER of 39.5."
    candidate = found(generator, text)["R50.9"]
    assert words_of(text, candidate) == ["FEVER", "High temperature"]
    assert [m.term for m in candidate.mentions] == ["fever", "high temperature"]
    assert {m.source for m in candidate.mentions} == {"mentions"}


def test_faint_wordings_are_not_shown_beside_a_strong_one(generator):
    text = "Gastric polyp. Another polyp."
    candidate = found(generator, text)["K31.7"]
    assert words_of(text, candidate) == ["Gastric polyp"]
    assert candidate.features["places"] == 3


def test_at_most_five_mentions(generator):
    assert len(found(generator, "Fever. " * 9)["R50.9"].mentions) == 5


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("pain of the abdominal wall", "pain of the abdominal"),
        ("abdominal colic and pain", "abdominal colic and pain"),
    ],
)
def test_order_and_a_small_gap_do_not_matter(generator, text, words):
    assert words in words_of(text, found(generator, text)["R10.9"])


@pytest.mark.parametrize(
    "text",
    [
        "A gastric tube was placed; the surgeon removed a small colonic polyp.",
        "The tube is gastric. Polyp removed.",
    ],
)
def test_words_far_apart_or_in_two_sentences_are_no_wording(generator, text):
    assert found(generator, text)["K31.7"].features["partial"] == 1


def test_a_part_of_a_wording_counts_half_and_only_where_none_is_whole(generator):
    part = found(generator, "A polyp was seen.")["K31.7"]
    whole = found(generator, "A gastric polyp was seen.")["K31.7"]
    assert part.score == pytest.approx(0.5 * 1.2 / 10)
    assert whole.score == pytest.approx(2.2 / 3)
    assert whole.features["partial"] == 0
    assert whole.features["ngrams"] == 2


def test_a_wording_inside_a_longer_one_of_another_code_is_told(generator):
    assert found(generator, "Abdominal pain.")["R52"].features["covered"] == 1
    assert found(generator, "Abdominal pain.")["R10.9"].features["covered"] == 0
    text = "Abdominal pain. Later pain in the leg."
    assert found(generator, text)["R52"].features["covered"] == 0.5


def test_the_margin_compares_the_codes_of_one_ngram(generator):
    codes = found(generator, "Pain.")
    assert codes["R52"].features["margin"] == pytest.approx((8.2 - 2.2) / 21)
    assert codes["R10.9"].features["margin"] == pytest.approx((2.2 - 8.2) / 21)


def test_a_misspelt_word_is_found_and_counts_less(generator):
    text = "Acute colecystitis and cholecystitsi."
    candidate = found(generator, text)["K81.9"]
    assert words_of(text, candidate) == ["cholecystitsi"]
    assert candidate.score == pytest.approx(0.5 * 3.2 / 5)
    assert candidate.features["corrected"] == 1


def test_a_known_word_is_not_corrected():
    knowing = MentionGenerator(TABLE, known_words={"cholecystitsi"})
    assert "K81.9" not in found(knowing, "cholecystitsi")


def test_opposites_are_no_misspellings(generator):
    assert "E87.5" in found(generator, "hyperkalaemia, hyperkalemmia")
    assert "E87.5" not in found(generator, "hypokalemia")


def test_british_spelling_and_plural_need_no_correction(generator):
    assert found(generator, "hyperkalaemia")["E87.5"].features["corrected"] == 0
    assert "R50.9" in found(generator, "fevers")


def test_at_most_k_ranked_candidates(generator):
    text = "Abdominal pain, fever and a gastric polyp."
    ranked = generator.candidates(Note.parse(text), 50)
    assert [c.score for c in ranked] == sorted((c.score for c in ranked), reverse=True)
    assert generator.candidates(Note.parse(text), 2) == ranked[:2]


def test_a_note_without_words_has_no_candidates(generator):
    assert generator.candidates(Note.parse(""), 10) == []
    assert generator.candidates(Note.parse("120/80 ... 37.2"), 10) == []
    assert MentionGenerator(MentionTable(())).candidates(Note.parse("fever"), 10) == []


_BETWEEN = ["of the", "\n", ". ", ", ", "\u00a0", "é", "Ａ", "😷", "İ", "12"]


@given(
    st.lists(st.sampled_from([*WORDS, *_BETWEEN]), max_size=30),
    # Something stands between the words: glued to letters a word is misspelt, its stem another.
    st.sampled_from([" ", "-", "\t", "\r\n"]),
)
def test_evidence_spans_are_exact(pieces, glue):
    text = glue.join(pieces)
    stems_of = {r.term: n.stems for n in TABLE.ngrams for r in n.readings if not r.partial}
    for candidate in MentionGenerator(TABLE).candidates(Note.parse(text), 50):
        assert 0 <= candidate.score <= 1
        assert 1 <= len(candidate.mentions) <= 5
        scores = [m.score for m in candidate.mentions]
        assert scores == sorted(scores, reverse=True)
        for mention in candidate.mentions:
            words = text[mention.span.start : mention.span.end]
            assert words == words.strip()
            if mention.term in stems_of and mention.term != "gastric polyp":
                assert stems_of[mention.term] <= text_stems(words)


@given(st.lists(st.frozensets(st.sampled_from("bcdfg"), min_size=1, max_size=3), max_size=8))
def test_the_finder_finds_every_ngram_whose_words_stand_side_by_side(ngrams):
    words = "b c d f g b b d f".split()
    (sentence,) = content_words(Note.parse(" ".join(words)))
    found_ngrams = {occurrence.stems for occurrence in NGramFinder(ngrams).find(sentence)}
    for stems in ngrams:
        windows = (set(words[i : i + len(stems)]) for i in range(len(words)))
        if any(window == stems for window in windows):
            assert stems in found_ngrams
    assert found_ngrams <= set(ngrams)


def test_a_table_survives_its_file_and_is_written_alike(tmp_path):
    path = tmp_path / "mentions.tsv.gz"
    TABLE.save(path)
    first = path.read_bytes()
    assert MentionTable.load(path) == TABLE
    TABLE.save(path)
    assert path.read_bytes() == first
    MentionTable(()).save(path)
    assert MentionTable.load(path) == MentionTable(())


@pytest.mark.parametrize(
    "content", [b"plain text", gzip.compress(b"one column"), gzip.compress(b"x" * 999)[:-9]]
)
def test_a_damaged_file_is_a_users_error(tmp_path, content):
    path = tmp_path / "mentions.tsv.gz"
    path.write_bytes(content)
    with pytest.raises(UserError, match="no mention dictionary"):
        MentionTable.load(path)


def test_a_missing_file_is_a_users_error(tmp_path):
    with pytest.raises(UserError, match="no mention dictionary"):
        MentionTable.load(tmp_path / "none.tsv.gz")
