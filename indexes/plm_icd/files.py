"""The files of an exported PLM-ICD model in one folder, and what its card must say."""

from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from indexes.plm_icd.config import PLMConfig
from knowledge.errors import UserError

FORMAT_VERSION = 1


class PLMCard(BaseModel):
    """What an exported model is and where it comes from.

    Attributes:
        format_version: Raised when the files change their form.
        config: The numbers it was trained with.
        codes: Its label space, in the order of its labels.
        code_system: Key of the code system of the codes.
        special_tokens: First, last and padding token.
        threshold: Probability from which it assigns a code, tuned on validation notes.
        validation_f1: Micro-F1 on those notes.
        training_notes: Notes it learned from.
        validation_notes: Notes held out.
        data_sha256: Identifies the data set it was trained on.
        packages: Versions of the packages that trained it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    format_version: int
    config: PLMConfig
    codes: tuple[str, ...]
    code_system: str
    special_tokens: tuple[int, int, int]
    threshold: float
    validation_f1: float
    training_notes: int
    validation_notes: int
    data_sha256: str
    packages: dict[str, str]


@dataclass(frozen=True, slots=True)
class PLMFiles:
    """The files of an exported model."""

    folder: Path

    @property
    def encoder(self) -> Path:
        """ONNX graph of the encoder: input_ids and attention_mask to last_hidden_state."""
        return self.folder / "encoder.onnx"

    @property
    def labels(self) -> Path:
        """Weights of the label attention."""
        return self.folder / "labels.npz"

    @property
    def tokenizer(self) -> Path:
        """Tokenizer in the format of the tokenizers library."""
        return self.folder / "tokenizer.json"

    @property
    def card(self) -> Path:
        """What the model is; written last, so that it vouches for the other files."""
        return self.folder / "plm_icd.json"

    def read_card(self) -> PLMCard:
        """Read the card.

        Raises:
            UserError: A file is missing, or the card has another form.
        """
        files = (self.encoder, self.labels, self.tokenizer, self.card)
        if missing := [path.name for path in files if not path.is_file()]:
            raise self._unusable(f"{', '.join(missing)} missing")
        try:
            card = PLMCard.model_validate_json(self.card.read_bytes())
        except ValidationError as error:
            where = ".".join(map(str, error.errors()[0]["loc"])) or "the whole file"
            raise self._unusable(f"{self.card.name} is not valid at {where}") from error
        if card.format_version != FORMAT_VERSION:
            raise self._unusable(
                f"its format is {card.format_version}, this version reads {FORMAT_VERSION}"
            )
        return card

    def _unusable(self, what: str) -> UserError:
        return UserError(
            f"The PLM-ICD model in {self.folder} cannot be used: {what}.",
            fix=f"icd-agent train plm-icd DATA.jsonl --out {self.folder}",
        )
