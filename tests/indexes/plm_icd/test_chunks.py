import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from indexes.encoder import BUNDLED_FOLDER, EncoderFiles
from indexes.plm_icd.chunks import SpecialTokens, chunk_note
from knowledge.note_text import Note

SPECIAL = SpecialTokens(101, 102, 0)


@pytest.fixture(scope="module")
def tokenizer():
    loaded = Tokenizer.from_file(str(EncoderFiles(BUNDLED_FOLDER).tokenizer))
    loaded.no_truncation()
    loaded.no_padding()
    return loaded


def test_chunks_end_with_a_sentence_where_one_fits(tokenizer):
    note = Note.parse("Fever and cough.\nShe has asthma.\nNo chest pain today.")
    chunks = chunk_note(note, tokenizer, SPECIAL, 12)
    words = [tokenizer.decode(ids) for ids in chunks.ids]
    assert words == ["fever and cough. she has asthma.", "no chest pain today."]


def test_a_sentence_longer_than_a_chunk_is_cut(tokenizer):
    note = Note.parse("pain " * 40)
    chunks = chunk_note(note, tokenizer, SPECIAL, 18)
    assert [len(ids) for ids in chunks.ids] == [18, 18, 10]


def test_a_special_token_written_in_a_note_is_text(tokenizer):
    note = Note.parse("Fever [SEP] cough [CLS] pain [PAD] end.")
    chunks = chunk_note(note, tokenizer, SPECIAL, 128)
    assert chunks.tokens == len(chunks.ids[0]) - 2


def test_an_empty_note_has_no_chunks(tokenizer):
    chunks = chunk_note(Note.parse(" \n"), tokenizer, SPECIAL, 16)
    assert chunks.ids == []
    assert chunks.tokens == 0


@given(
    text=st.text(alphabet=st.sampled_from("ab .,\n\t\u00e9\u4e2d-3"), max_size=300),
    size=st.integers(4, 40),
)
def test_chunks_hold_every_token_once_and_offsets_point_into_the_note(tokenizer, text, size):
    note = Note.parse(text)
    chunks = chunk_note(note, tokenizer, SPECIAL, size)
    whole = tokenizer.encode(text, add_special_tokens=False)
    assert [token for ids in chunks.ids for token in ids[1:-1]] == whole.ids
    assert all(len(ids) <= size for ids in chunks.ids)
    assert all(ids[0] == SPECIAL.first and ids[-1] == SPECIAL.last for ids in chunks.ids)
    assert chunks.offsets.tolist() == [list(pair) for pair in whole.offsets]
