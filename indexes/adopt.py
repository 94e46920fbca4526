"""Adopts official ICD-10-CM files: indexes of the release and the tables that a user downloaded.

What is written is a folder of artefacts as `indexes.build` writes it, with the tabular list of the
release beside the indexes, so that the commands look codes up in the release they search.
"""

import datetime
from collections.abc import Sequence
from typing import NamedTuple

from indexes.artefacts import Artefacts, Manifest, OfficialSource
from indexes.build import Content, Progress, build
from indexes.encoder import Encoder
from indexes.official_wordings import OfficialWordings, official_wordings
from indexes.rows import Row, code_rows, guideline_rows
from indexes.term_table import adopt_term_table, read_terms
from knowledge.code_systems import ICD10CM, get_code_system
from knowledge.errors import UserError
from knowledge.guidelines import load_cards
from knowledge.official.folder import OfficialFolder, fiscal_year
from knowledge.official.releases_at_hand import release_of_files


class Adoption(NamedTuple):
    """What was written.

    Attributes:
        manifest: The manifest of the artefacts.
        system: The release they are of.
        official: What the official tables added.
        terms: Terms of the term look-up.
    """

    manifest: Manifest
    system: ICD10CM
    official: OfficialWordings
    terms: int


def adopt(
    folder: OfficialFolder, artefacts: Artefacts, encoder: Encoder, progress: Progress
) -> Adoption:
    """Build the artefacts of a release from official files.

    Args:
        folder: The files; without a tabular list they go with the installed release.
        artefacts: Where to write.
        encoder: Makes the vectors; where it made the shipped ones, these are taken over.
        progress: Called with rows encoded and rows to encode.

    Raises:
        UserError: A file is damaged, or the tables and the tabular list are of different years.
    """
    system = _system(folder)
    official = official_wordings(folder, system)
    shipped = Artefacts.bundled()
    terms = adopt_term_table(system, official.terms, read_terms(shipped.terms))
    rows = _with_official(code_rows(system), official.rows)
    content = Content(rows, guideline_rows(load_cards()), terms)
    sources = tuple(
        OfficialSource(
            kind=file.kind,
            name=file.path.name,
            release=file.release.isoformat(),
            sha256=file.sha256,
        )
        for file in folder.files.values()
    )
    manifest = build(
        artefacts,
        system,
        encoder,
        content,
        progress,
        official=sources,
        release=system if "tabular" in folder.files else None,
        former=shipped,
    )
    return Adoption(manifest, system, official, len(terms))


def _system(folder: OfficialFolder) -> ICD10CM:
    own = release_of_files(folder)
    if own is not None:
        return own
    installed = get_code_system()
    start = datetime.date.fromisoformat(installed.release)
    if fiscal_year(start) != fiscal_year(folder.release):
        raise UserError(
            f"The files in {folder.path} are of the release of {folder.release}, the installed "
            f"tabular list of that of {start}.",
            fix=f"put icd10cm-tabular-{folder.release}.xml into {folder.path}",
        )
    return installed


def _with_official(rows: Sequence[Row], official: Sequence[Row]) -> list[Row]:
    known = {(row.key, row.text.lower()) for row in rows}
    return [*rows, *(row for row in official if (row.key, row.text.lower()) not in known)]
