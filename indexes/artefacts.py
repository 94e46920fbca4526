"""The files of the search indexes, and the manifest that says what they belong to.

Names of files live here and nowhere else. `Artefacts.verify` refuses a folder whose parts
disagree with each other, with the encoder or with the code release in use.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, ValidationError

from indexes.encoder import Encoder, file_sha256
from knowledge.code_systems.base import CodeSystem
from knowledge.errors import UserError
from knowledge.official.folder import FileKind
from knowledge.official.releases_at_hand import ADOPTED_TABULAR

FORMAT_VERSION = 1
BUNDLED_DIRECTORY = Path(__file__).parent / "bundled"


class OfficialSource(BaseModel):
    """An official file that went into the artefacts.

    Attributes:
        kind: Which table it holds.
        name: Its name.
        release: First day on which its release is in force.
        sha256: Its SHA-256.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: FileKind
    name: str
    release: str
    sha256: str


class Manifest(BaseModel):
    """What a folder of artefacts was built from.

    Attributes:
        format_version: Raised when files change their form.
        encoder: Name of the encoder.
        encoder_fingerprint: Identifies its weights.
        dimension: Length of the vectors.
        code_system: Key of the code system.
        release: Its release.
        rows: Rows of the code indexes.
        guideline_rows: Rows of the guideline index.
        faiss_factory: Factory string of the code index.
        files: SHA-256 by path relative to the folder.
        packages: Versions of the packages that made the files.
        git_commit: Commit of the source tree, with "+" if it had changes; None outside one.
        official: Official files of the user's that went in.
        reused_rows: Rows whose vector comes from the shipped index.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    format_version: int
    encoder: str
    encoder_fingerprint: str
    dimension: int
    code_system: str
    release: str
    rows: int
    guideline_rows: int
    faiss_factory: str
    files: dict[str, str]
    packages: dict[str, str]
    git_commit: str | None
    official: tuple[OfficialSource, ...] = ()
    reused_rows: int = 0


@dataclass(frozen=True, slots=True)
class Artefacts:
    """The files of the indexes of one code system in one folder."""

    directory: Path

    @classmethod
    def bundled(cls) -> Self:
        """Return the artefacts that are shipped."""
        return cls(BUNDLED_DIRECTORY)

    @classmethod
    def from_directory(cls, path: Path) -> Self:
        """Return the artefacts of a folder that ``icd-agent index build`` wrote.

        Raises:
            UserError: There is no manifest.
        """
        artefacts = cls(path)
        if not artefacts.manifest.is_file():
            raise UserError(
                f"{path} holds no search indexes: {artefacts.manifest.name} is missing.",
                fix=_rebuild(path),
            )
        return artefacts

    @property
    def manifest(self) -> Path:
        """What the files belong to."""
        return self.directory / "manifest.json"

    @property
    def rows(self) -> Path:
        """Rows of the code indexes."""
        return self.directory / "rows.json.gz"

    @property
    def guideline_rows(self) -> Path:
        """Rows of the guideline index."""
        return self.directory / "guideline_rows.json.gz"

    @property
    def code_index(self) -> Path:
        """FAISS index of the code rows."""
        return self.directory / "codes.faiss"

    @property
    def guideline_index(self) -> Path:
        """FAISS index of the guideline rows."""
        return self.directory / "guidelines.faiss"

    @property
    def lexical_index(self) -> Path:
        """Folder of the BM25 index of the code rows."""
        return self.directory / "bm25"

    @property
    def terms(self) -> Path:
        """Term table of the term look-up."""
        return self.directory / "terms.tsv.gz"

    @property
    def tabular(self) -> Path:
        """Tabular list of an adopted release; without it the installed release was indexed."""
        return self.directory / ADOPTED_TABULAR

    @property
    def learned(self) -> Path:
        """Folder of what learned from coded notes; it has a manifest of its own."""
        return self.directory / "learned"

    @property
    def identity(self) -> str:
        """Identifies the build: the first half of the manifest's SHA-256."""
        return file_sha256(self.manifest)[:32]

    def read_manifest(self) -> Manifest:
        """Read the manifest.

        Raises:
            UserError: It is missing or has another form.
        """
        self.from_directory(self.directory)
        try:
            return Manifest.model_validate_json(self.manifest.read_bytes())
        except ValidationError as error:
            where = ".".join(str(part) for part in error.errors()[0]["loc"]) or "the whole file"
            raise self._disagreement(f"{self.manifest.name} is not valid at {where}") from error

    def write_manifest(self, manifest: Manifest) -> None:
        """Write the manifest; do so last, since it vouches for the other files."""
        text = manifest.model_dump_json(indent=2)
        self.manifest.write_text(text + "\n", encoding="utf-8")

    def built_files(self) -> list[Path]:
        """Return the files that a build writes, manifest apart."""
        single = [
            self.rows,
            self.guideline_rows,
            self.code_index,
            self.guideline_index,
            self.terms,
        ]
        adopted = [self.tabular] if self.tabular.is_file() else []
        return single + adopted + sorted(self.lexical_index.glob("*"))

    def digests(self) -> dict[str, str]:
        """Return the SHA-256 of every built file by its path relative to the folder."""
        return {
            path.relative_to(self.directory).as_posix(): file_sha256(path)
            for path in self.built_files()
        }

    def verify(self, system: CodeSystem, encoder: Encoder) -> Manifest:
        """Check that files, encoder and code release belong together.

        Args:
            system: The code system in use.
            encoder: The encoder in use.

        Returns:
            The manifest.

        Raises:
            UserError: They disagree, a file is missing or has changed.
        """
        manifest = self.read_manifest()
        built: dict[str, object] = {
            "format version": manifest.format_version,
            "code system": manifest.code_system,
            "code release": manifest.release,
            "encoder": manifest.encoder,
            "encoder weights": manifest.encoder_fingerprint,
            "vector length": manifest.dimension,
        }
        in_use: dict[str, object] = {
            "format version": FORMAT_VERSION,
            "code system": system.key,
            "code release": system.release,
            "encoder": encoder.name,
            "encoder weights": encoder.fingerprint,
            "vector length": encoder.dimension,
        }
        for name, value in built.items():
            if value != in_use[name]:
                raise self._disagreement(
                    f"{name} {value!r} was indexed, in use is {in_use[name]!r}"
                )
        self._verify_files(manifest.files)
        return manifest

    def verify_rows(self, part: Path, count: int) -> None:
        """Check the number of rows of one part after it was loaded.

        Args:
            part: The file or folder of the part.
            count: Rows found in it.

        Raises:
            UserError: The manifest says another number.
        """
        expected = self.read_manifest().rows
        if count != expected:
            raise self._disagreement(f"{part.name} has {count} rows, {expected} were indexed")

    def _verify_files(self, expected: Mapping[str, str]) -> None:
        for name, digest in expected.items():
            path = self.directory / name
            if not path.is_file():
                raise self._disagreement(f"{name} is missing")
            if file_sha256(path) != digest:
                raise self._disagreement(f"{name} has changed since it was built (sha256 differs)")

    def _disagreement(self, what: str) -> UserError:
        return UserError(
            f"The search indexes in {self.directory} cannot be used: {what}.",
            fix=_rebuild(self.directory),
        )


def _rebuild(directory: Path) -> str:
    return f"icd-agent index build --out {directory}"
