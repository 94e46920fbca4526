"""Coded notes of our own and an encoder small enough to train in a test."""

import pytest
from hypothesis import settings

from indexes.coded_notes import CodedNote
from knowledge.dataset_row import DatasetRow

# Finding, code: each note below has two of them, so that evidence parts what codes share.
_FINDINGS = {
    "The chest film shows lobar pneumonia.": "J18.1",
    "She has essential hypertension.": "I10",
    "There is type 2 diabetes mellitus.": "E11.9",
    "He reports a severe headache.": "R51",
    "A urinary tract infection was treated.": "N39.0",
    "Iron deficiency anaemia was found.": "D50.9",
}
_FILLER = "The visit took place in the morning."

# How long an example takes is for `make bench`: a busy machine must not fail a property.
settings.register_profile("icd-agent", deadline=None)
settings.load_profile("icd-agent")


def _note(number: int) -> CodedNote:
    findings = list(_FINDINGS.items())
    chosen = [findings[number % 6], findings[(number + 1 + number // 6) % 6]]
    text = _FILLER + "\n" + "\n".join(sentence for sentence, _ in chosen)
    evidence = [
        {"code": code, "start": text.index(sentence), "end": text.index(sentence) + len(sentence)}
        for sentence, code in chosen
    ]
    row = {"id": f"n{number}", "text": text, "codes": [c for _, c in chosen], "evidence": evidence}
    return CodedNote.from_row(DatasetRow.model_validate(row))


@pytest.fixture(scope="session")
def coded_notes():
    return [_note(number) for number in range(24)]


@pytest.fixture(scope="session")
def tiny_encoder(tmp_path_factory):
    """A BERT with random weights and a word-piece vocabulary of its own: any encoder will do."""
    import torch
    from tokenizers import BertWordPieceTokenizer
    from transformers import BertConfig, BertModel, BertTokenizerFast

    folder = tmp_path_factory.mktemp("tiny_encoder")
    words = sorted({w.strip(".").lower() for s in [*_FINDINGS, _FILLER] for w in s.split()})
    pieces = [
        *words,
        *"abcdefghijklmnopqrstuvwxyz0123456789.,-",
        *(f"##{c}" for c in "abcdefghijklmnopqrstuvwxyz0123456789"),
    ]
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *dict.fromkeys(pieces)]
    tokenizer = BertWordPieceTokenizer(vocab={piece: n for n, piece in enumerate(vocabulary)})
    tokenizer.save(str(folder / "tokenizer.json"))
    BertTokenizerFast(tokenizer_file=str(folder / "tokenizer.json")).save_pretrained(folder)
    torch.manual_seed(7)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
    )
    BertModel(config).save_pretrained(folder)
    return folder
