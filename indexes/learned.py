"""The parts that learned from coded notes: mentions, evidence lines, PLM-ICD, ranker.

Names of files live here. The manifest vouches for them; `load_learned` refuses a folder whose parts
changed or belong to another encoder or code release.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, ValidationError

from indexes.candidates import CandidateGenerator
from indexes.encoder import Encoder, file_sha256
from indexes.evidence_lines import LineGenerator, LineModel
from indexes.mentions import MentionGenerator, MentionTable
from indexes.plm_icd.files import PLMFiles
from indexes.plm_icd.predict import PLMGenerator, PLMPredictor
from indexes.ranker.model import LLMVoice, Ranker, RankerFiles
from knowledge.code_systems.base import CodeSystem
from knowledge.errors import UserError

FORMAT_VERSION = 1


class LearnedManifest(BaseModel):
    """What a folder of learned parts was made from.

    Attributes:
        format_version: Raised when files change their form.
        code_system: Key of the code system.
        release: Its release.
        encoder_fingerprint: Identifies the encoder that the evidence-line model reads with.
        data_sha256: Identifies the training data.
        training_notes: Notes in it.
        files: SHA-256 by path relative to the folder.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    format_version: int
    code_system: str
    release: str
    encoder_fingerprint: str
    data_sha256: str
    training_notes: int
    files: dict[str, str]


@dataclass(frozen=True, slots=True)
class LearnedFiles:
    """The files of the learned parts."""

    folder: Path

    @property
    def manifest(self) -> Path:
        """What the files belong to."""
        return self.folder / "manifest.json"

    @property
    def mentions(self) -> Path:
        """The mention dictionary."""
        return self.folder / "mentions.tsv.gz"

    @property
    def lines(self) -> Path:
        """The evidence-line model."""
        return self.folder / "lines.npz"

    @property
    def plm_icd(self) -> Path:
        """Folder of PLM-ICD."""
        return self.folder / "plm_icd"

    @property
    def identity(self) -> str:
        """Identifies the training: the first half of the manifest's SHA-256."""
        return file_sha256(self.manifest)[:32]

    def parts(self) -> list[Path]:
        """Return every file that the manifest vouches for."""
        plm, ranker = PLMFiles(self.plm_icd), RankerFiles(self.folder)
        return [
            self.mentions,
            self.lines,
            plm.encoder,
            plm.labels,
            plm.tokenizer,
            plm.card,
            ranker.trees,
            ranker.card,
        ]

    def digests(self) -> dict[str, str]:
        """Return the SHA-256 of every part by path relative to the folder."""
        return {
            path.relative_to(self.folder).as_posix(): file_sha256(path) for path in self.parts()
        }

    def write_manifest(
        self, system: CodeSystem, encoder: Encoder, data_sha256: str, training_notes: int
    ) -> LearnedManifest:
        """Write the manifest; do so last, since it vouches for the parts."""
        manifest = LearnedManifest(
            format_version=FORMAT_VERSION,
            code_system=system.key,
            release=system.release,
            encoder_fingerprint=encoder.fingerprint,
            data_sha256=data_sha256,
            training_notes=training_notes,
            files=self.digests(),
        )
        self.manifest.write_text(manifest.model_dump_json(indent=1) + "\n", encoding="utf-8")
        return manifest

    def read_manifest(self) -> LearnedManifest:
        """Read the manifest.

        Raises:
            UserError: It is missing or has another form.
        """
        try:
            return LearnedManifest.model_validate_json(self.manifest.read_bytes())
        except (OSError, ValidationError) as error:
            raise self._unusable(f"{self.manifest.name} is missing or not valid") from error

    def verify(
        self, system: CodeSystem, encoder: Encoder, *, any_release: bool = False
    ) -> LearnedManifest:
        """Check that all parts are there, unchanged, and fit the code system and the encoder.

        Args:
            system: The code system in use.
            encoder: The encoder in use.
            any_release: Whether parts that were trained with another release will do.

        Raises:
            UserError: They do not; the message names the part.
        """
        manifest = self.read_manifest()
        for what, learned, used in (
            ("format version", manifest.format_version, FORMAT_VERSION),
            ("code system", manifest.code_system, system.key),
            ("code release", manifest.release, manifest.release if any_release else system.release),
            ("encoder weights", manifest.encoder_fingerprint, encoder.fingerprint),
        ):
            if learned != used:
                raise self._unusable(f"{what} {learned!r} was used in training, in use is {used!r}")
        for name, digest in manifest.files.items():
            path = self.folder / name
            if not path.is_file():
                raise self._unusable(f"{name} is missing")
            if file_sha256(path) != digest:
                raise self._unusable(f"{name} has changed since training (sha256 differs)")
        return manifest

    def _unusable(self, what: str) -> UserError:
        return UserError(
            f"The learned parts in {self.folder} cannot be used: {what}.",
            fix=f"icd-agent train ranker DATA.jsonl --out {self.folder}",
        )


def add_voice(files: LearnedFiles, voice: LLMVoice) -> None:
    """Add the voice of an LLM to a trained ranker; a former one of the same model goes.

    Raises:
        UserError: The folder holds no ranker.
    """
    ranker = RankerFiles(files.folder)
    card = ranker.read_card()
    others = tuple(former for former in card.llm if former.model != voice.model)
    ranker.write_card(card.model_copy(update={"llm": (*others, voice)}))
    manifest = files.read_manifest().model_copy(update={"files": files.digests()})
    files.manifest.write_text(manifest.model_dump_json(indent=1) + "\n", encoding="utf-8")


class Learned(NamedTuple):
    """The learned parts, loaded; there may be no PLM-ICD for a language."""

    mentions: MentionGenerator
    lines: LineGenerator
    plm_icd: PLMGenerator | None
    ranker: Ranker

    @property
    def generators(self) -> Sequence[CandidateGenerator]:
        """The learned candidate generators, most exact first."""
        opinion = (self.plm_icd,) if self.plm_icd else ()
        return (self.mentions, self.lines, *opinion)


def load_learned(
    files: LearnedFiles,
    system: CodeSystem,
    encoder: Encoder,
    known_words: frozenset[str],
    *,
    any_release: bool = False,
) -> Learned:
    """Load all learned parts.

    Args:
        files: The folder.
        system: The code system in use.
        encoder: The encoder in use, with a memory, so that no sentence is encoded twice.
        known_words: Words that are spelt right.
        any_release: Whether parts that were trained with another release will do.

    Raises:
        UserError: A part is missing, damaged or belongs to another encoder or release.
    """
    files.verify(system, encoder, any_release=any_release)
    return Learned(
        mentions=MentionGenerator(MentionTable.load(files.mentions), known_words),
        lines=LineGenerator(LineModel.load(files.lines), encoder),
        plm_icd=PLMGenerator(PLMPredictor(files.plm_icd)),
        ranker=Ranker.load(files.folder, system),
    )
