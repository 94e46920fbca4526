"""Wordings that lead to codes by the official tables, as terms and as rows of the indexes.

An entry of the Alphabetic Index is a bag of words: main term and subterms, without nonessential
modifiers (guideline I.A.7), so "Fracture, femur, shaft" is found in "femoral shaft fracture". A row
of the neoplasm or drug table becomes one wording for each column, as the table is read: "malignant
neoplasm of" a site, "poisoning by" a substance. An entry that says "see" takes the code of the
entry it names.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from indexes.rows import Row
from indexes.term_table import OfficialKind, Term, make_term
from indexes.tokens import text_stems
from knowledge.code_systems import ICD10CM
from knowledge.official.codes import printed_code
from knowledge.official.folder import FileKind, OfficialFile, OfficialFolder
from knowledge.official.readers import read_drugs, read_index, read_neoplasms

# How notes word the columns; the first wording is the one that goes into the rows.
_PATTERNS: Mapping[FileKind, Mapping[str, tuple[str, ...]]] = {
    "index": {"": ("{}",)},
    "eindex": {"": ("{}",)},
    # "Metastatic" is not among them: "metastatic breast cancer" began in the breast.
    "neoplasm": {
        "primary": ("malignant neoplasm of {}", "cancer of {}", "carcinoma of {}"),
        "secondary": ("secondary malignant neoplasm of {}", "secondary cancer of {}"),
        "in_situ": ("carcinoma in situ of {}",),
        "benign": ("benign neoplasm of {}", "benign tumor of {}"),
        "uncertain": ("neoplasm of uncertain behavior of {}",),
        "unspecified": ("neoplasm of {}", "tumor of {}"),
    },
    # Poisoning of unstated intent is coded as accidental (tabular list, note at T36-T50).
    "drug": {
        "accidental": ("poisoning by {}", "overdose of {}"),
        "self_harm": ("poisoning by {}, intentional self-harm", "suicide attempt with {}"),
        "assault": ("poisoning by {}, assault",),
        "undetermined": ("poisoning by {}, undetermined intent",),
        "adverse_effect": ("adverse effect of {}",),
        "underdosing": ("underdosing of {}",),
    },
}
_KIND_OF_WORDING: Mapping[FileKind, OfficialKind] = {
    "index": "index",
    "eindex": "external",
    "neoplasm": "neoplasm",
    "drug": "drug",
}
# The other intents differ from the accidental one by words that the term look-up reads; as rows
# they would fill the places near any poisoning by the same substance.
_NOT_IN_ROWS = frozenset({"self_harm", "assault", "undetermined"})

_ABBREVIATIONS = re.compile(r"\b(?:NEC|NOS)\b")
_CAUSED_BY = re.compile(r",? caused by\b")
# A fracture or another injury is traumatic unless the note says otherwise, so notes do not say it.
_UNSAID = re.compile(r", traumatic\b")
_RESIDUAL_LEVEL = re.compile(r"specified\b")
_COMMON_START = 4
_LEAST_STEMS_OF_CAUSE = 2


class Wording(NamedTuple):
    """A wording that leads to a code.

    Attributes:
        kind: The table it comes from.
        code: The code, billable or not.
        text: The wording.
        in_rows: Whether it becomes a row of the dense and lexical indexes.
    """

    kind: OfficialKind
    code: str
    text: str
    in_rows: bool


class Unread(NamedTuple):
    """A code of an official file that the release does not hold.

    Attributes:
        file: Name of the file.
        line: Line of the entry.
        code: The code as printed.
    """

    file: str
    line: int
    code: str


class OfficialWordings(NamedTuple):
    """What the official files of a folder add to the indexes.

    Attributes:
        terms: Terms of the term look-up.
        rows: Rows of the code indexes.
        entries: Entries read, by kind of file.
        unread: Codes that the release does not hold.
    """

    terms: Sequence[Term]
    rows: Sequence[Row]
    entries: Mapping[FileKind, int]
    unread: Sequence[Unread]


class _Entry(NamedTuple):
    """An entry of any of the tables in one form."""

    path: tuple[str, ...]
    codes: Sequence[tuple[str, str]]
    see: str | None
    line: int


def official_wordings(folder: OfficialFolder, system: ICD10CM) -> OfficialWordings:
    """Read the official files of a folder, the tabular list apart.

    Raises:
        UserError: A file is damaged; names the line.
    """
    wordings: list[Wording] = []
    entries: dict[FileKind, int] = {}
    unread: list[Unread] = []
    for kind, file in folder.files.items():
        if kind != "tabular":
            found = _read(file)
            entries[kind] = len(found)
            wordings += filter(_specific, _wordings(file, found, system, unread))
    terms = (make_term(w.kind, w.code, w.text) for w in wordings)
    rows = (Row(w.kind, system.stem(w.code), w.text) for w in wordings if w.in_rows)
    return OfficialWordings(
        terms=[term for term in terms if term],
        rows=list(dict.fromkeys(rows)),
        entries=entries,
        unread=unread,
    )


def _read(file: OfficialFile) -> list[_Entry]:
    if file.kind == "neoplasm":
        sites = read_neoplasms(file.path)
        return [_Entry(row.site, tuple(row.codes.items()), row.see, row.line) for row in sites]
    if file.kind == "drug":
        drugs = read_drugs(file.path)
        return [_Entry(row.substance, tuple(row.codes.items()), row.see, row.line) for row in drugs]
    entries = read_index(file.path)
    return [_Entry(e.path, (("", e.code),) if e.code else (), e.see, e.line) for e in entries]


def _wordings(
    file: OfficialFile, entries: Sequence[_Entry], system: ICD10CM, unread: list[Unread]
) -> Iterator[Wording]:
    # Cross-references into the neoplasm table begin with its one main term.
    above = "neoplasm, " if file.kind == "neoplasm" else ""
    by_path = {above + name: entry for entry in reversed(entries) for name in _names(entry.path)}
    for entry in entries:
        names = _names(entry.path)
        if not names or _is_residual(entry.path):
            continue
        for column, printed in entry.codes or _codes_of_target(entry.see, by_path):
            code = printed_code(system, printed)
            if code is None:
                unread.append(Unread(file.path.name, entry.line, printed))
            else:
                yield from _of_column(file.kind, column, code, names)


def _of_column(kind: FileKind, column: str, code: str, names: Sequence[str]) -> Iterator[Wording]:
    for n, name in enumerate(names):
        for m, pattern in enumerate(_PATTERNS[kind][column]):
            in_rows = n == m == 0 and column not in _NOT_IN_ROWS
            yield Wording(_KIND_OF_WORDING[kind], code, pattern.format(name), in_rows)


def _codes_of_target(see: str | None, by_path: Mapping[str, _Entry]) -> Sequence[tuple[str, str]]:
    target = by_path.get(see.lower()) if see else None
    return target.codes if target else ()


def _names(path: Sequence[str]) -> list[str]:
    """Return the wordings of a path; each level in its first form, then one level in another."""
    levels = [_forms(level) for level in path]
    first = [forms[0] for forms in levels]
    names = [first]
    for place, forms in enumerate(levels):
        names += [[*first[:place], form, *first[place + 1 :]] for form in forms[1:]]
    texts = (", ".join(filter(None, name)).lower() for name in names)
    return [text for text in dict.fromkeys(texts) if text]


def _forms(level: str) -> list[str]:
    """Return the forms of one word that a title lists ("abdomen, abdominal"), else the title."""
    plain = level
    for pattern in (_ABBREVIATIONS, _CAUSED_BY, _UNSAID):
        plain = pattern.sub("", plain)
    parts = [part.strip() for part in plain.split(",") if part.strip()]
    if not parts:
        return [""]
    beginning = parts[0][:_COMMON_START].lower()
    same_word = len(beginning) == _COMMON_START and all(
        part.lower().startswith(beginning) and " " not in part for part in parts
    )
    return parts if same_word else [", ".join(parts)]


def _is_residual(path: Sequence[str]) -> bool:
    """Tell entries of residual codes ("specified NEC"), which no note spells out."""
    return any(_RESIDUAL_LEVEL.match(level) for level in path)


def _specific(wording: Wording) -> bool:
    """Tell wordings that say enough: "accident" or "exposure" alone stands in any note."""
    enough = _LEAST_STEMS_OF_CAUSE
    return wording.kind != "external" or len(text_stems(wording.text)) >= enough
