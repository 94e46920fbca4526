"""CodiEsp: Spanish case reports coded with ICD-10-CM and ICD-10-PCS, from the official release.

CodiEsp v4 (A. Miranda-Escalada et al., "Overview of automatic clinical coding", CLEF eHealth 2020;
CC BY 4.0). Its layout, which `find_splits` expects::

    train/ dev/ test/ background/
        text_files/ID.txt       the Spanish case
        text_files_en/ID.txt    its machine translation, one sentence a line
        trainD.tsv              ID, diagnosis code
        trainP.tsv              ID, procedure code
        trainX.tsv              ID, DIAGNOSTICO | PROCEDIMIENTO, code, phrase, "start end;start end"

The background set has texts only. Evidence is marked in the Spanish text; its English lines come
from length-based alignment and are silver.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from eval.datasets.alignment import TextSpan, align, line_spans, sentence_spans
from knowledge.dataset_row import CODE_FORM, AlignedEvidence, CodeKind, DatasetRow
from knowledge.errors import UserError
from knowledge.jsonl import line_error
from knowledge.language import Language
from knowledge.spanish_row import spanish_row

SPLITS = ("train", "dev", "test", "background")
_UNLABELLED = "background"
_SPANISH = "text_files"
_ENGLISH = "text_files_en"
_KINDS: dict[str, CodeKind] = {"DIAGNOSTICO": "diagnosis", "PROCEDIMIENTO": "procedure"}
_RELEASE_FIX = "give the folder of the CodiEsp v4 release as it was unpacked."


class _TsvLine(NamedTuple):
    line_number: int
    fields: list[str]


@dataclass(frozen=True, slots=True)
class EvidenceMark:
    """One line of an X file: the Spanish words behind a code, possibly in several pieces."""

    line_number: int
    kind: CodeKind
    code: str
    phrase: str
    spans: tuple[TextSpan, ...]


@dataclass(frozen=True, slots=True)
class Split:
    """One split of the release: its cases in order of id, and what was annotated in them.

    Attributes:
        name: One of `SPLITS`.
        folder: Where it lies.
        cases: Ids of the cases, sorted.
        diagnoses: Distinct ICD-10-CM codes by case, in order of the D file.
        procedures: Distinct ICD-10-PCS codes by case, in order of the P file.
        marks: Evidence by case, in order of the X file.
    """

    name: str
    folder: Path
    cases: tuple[str, ...]
    diagnoses: dict[str, tuple[str, ...]]
    procedures: dict[str, tuple[str, ...]]
    marks: dict[str, tuple[EvidenceMark, ...]]

    @property
    def labelled(self) -> bool:
        """Whether the split has codes."""
        return self.name != _UNLABELLED

    def table(self, letter: str) -> Path:
        """Return the path of the split's D, P or X file."""
        return self.folder / f"{self.name}{letter}.tsv"


def find_splits(release: Path) -> list[Split]:
    """Read the annotations of every split that the release holds.

    Raises:
        UserError: No split is there, a file is missing, or a line is malformed.
    """
    found = [name for name in SPLITS if (release / name).is_dir()]
    if not found:
        raise UserError(
            f"{release} holds none of the folders {', '.join(SPLITS)}.", fix=_RELEASE_FIX
        )
    return [_read_split(release / name, name) for name in found]


def rows(split: Split, language: Language = "en") -> Iterator[DatasetRow]:
    """Yield the notes of a split, in order of id.

    Args:
        split: The split.
        language: "en" gives the translation, with the Spanish text beside it; "es" gives the
            Spanish text alone, with the evidence as it was marked.

    Raises:
        UserError: A text is missing or not UTF-8, or evidence lies outside its text.
    """
    bilingual = _bilingual_rows(split) if split.labelled else _unlabelled_rows(split, language)
    yield from map(spanish_row, bilingual) if language == "es" else bilingual


def _unlabelled_rows(split: Split, language: Language) -> Iterator[DatasetRow]:
    for case in split.cases:
        if language == "es":
            spanish = _read_text(split.folder / _SPANISH / f"{case}.txt")
            yield DatasetRow(id=case, text=spanish, language="es")
        else:
            yield DatasetRow(id=case, text=_read_text(split.folder / _ENGLISH / f"{case}.txt"))


def _bilingual_rows(split: Split) -> Iterator[DatasetRow]:
    for case in split.cases:
        english = _read_text(split.folder / _ENGLISH / f"{case}.txt")
        spanish = _read_text(split.folder / _SPANISH / f"{case}.txt")
        marks = split.marks.get(case, ())
        _require_inside(split.table("X"), marks, spanish)
        yield DatasetRow(
            id=case,
            text=english,
            text_es=spanish,
            codes=split.diagnoses.get(case, ()),
            procedure_codes=split.procedures.get(case, ()),
            evidence=aligned_evidence(spanish, english, marks),
        )


def aligned_evidence(
    spanish: str, english: str, marks: tuple[EvidenceMark, ...]
) -> tuple[AlignedEvidence, ...]:
    """Give each mark the English lines of the Spanish sentences in which its pieces start."""
    sentences = sentence_spans(spanish)
    lines = line_spans(english)
    runs = align(sentences, lines)

    def aligned(mark: EvidenceMark) -> tuple[TextSpan, ...]:
        starts = (_sentence_at(sentences, span.start) for span in mark.spans)
        indices = {index for at in starts if at is not None for index in runs[at]}
        return tuple(lines[index] for index in sorted(indices))

    return tuple(
        AlignedEvidence(
            kind=mark.kind,
            code=mark.code,
            phrase_es=mark.phrase,
            spans_es=mark.spans,
            lines_en=aligned(mark),
        )
        for mark in marks
    )


def _sentence_at(sentences: list[TextSpan], offset: int) -> int | None:
    index = bisect_right(sentences, offset, key=lambda span: span.start) - 1
    return index if index >= 0 and offset < sentences[index].end else None


def _read_split(folder: Path, name: str) -> Split:
    cases = tuple(path.stem for path in sorted((folder / _ENGLISH).glob("*.txt")))
    if not cases:
        raise UserError(f"{folder / _ENGLISH} holds no .txt file.", fix=_RELEASE_FIX)
    if name == _UNLABELLED:
        return Split(name, folder, cases, {}, {}, {})
    known = frozenset(cases)
    return Split(
        name,
        folder,
        cases,
        diagnoses=_read_codes(folder / f"{name}D.tsv", known),
        procedures=_read_codes(folder / f"{name}P.tsv", known),
        marks=_read_marks(folder / f"{name}X.tsv", known),
    )


def _read_codes(path: Path, cases: frozenset[str]) -> dict[str, tuple[str, ...]]:
    codes: defaultdict[str, dict[str, None]] = defaultdict(dict)
    for line in _read_tsv(path, ("id", "code"), cases):
        case, raw = line.fields
        codes[case].setdefault(_parse_code(raw, path, line.line_number))
    return {case: tuple(found) for case, found in codes.items()}


def _read_marks(path: Path, cases: frozenset[str]) -> dict[str, tuple[EvidenceMark, ...]]:
    marks: defaultdict[str, list[EvidenceMark]] = defaultdict(list)
    for line in _read_tsv(path, ("id", "kind", "code", "phrase", "offsets"), cases):
        case, kind, raw, phrase, offsets = line.fields
        if kind not in _KINDS:
            problem = f'"{kind}" is not a kind of code; allowed: {", ".join(_KINDS)}.'
            raise line_error(path, line.line_number, problem, fix=_RELEASE_FIX)
        marks[case].append(
            EvidenceMark(
                line.line_number,
                _KINDS[kind],
                _parse_code(raw, path, line.line_number),
                phrase,
                _parse_spans(offsets, path, line.line_number),
            )
        )
    return {case: tuple(found) for case, found in marks.items()}


def _parse_code(raw: str, path: Path, line_number: int) -> str:
    code = raw.strip().upper()
    if not CODE_FORM.fullmatch(code):
        raise line_error(path, line_number, f'"{raw}" is not a code.', fix=_RELEASE_FIX)
    return code


def _parse_spans(offsets: str, path: Path, line_number: int) -> tuple[TextSpan, ...]:
    spans = []
    for piece in filter(str.strip, offsets.split(";")):
        numbers = piece.split()
        if len(numbers) != 2 or not all(map(str.isdecimal, numbers)):
            problem = f'"{offsets}" is not "start end" or "start end;start end".'
            raise line_error(path, line_number, problem, fix=_RELEASE_FIX)
        spans.append(TextSpan(*map(int, numbers)))
    return tuple(spans)


def _read_tsv(path: Path, columns: tuple[str, ...], cases: frozenset[str]) -> Iterator[_TsvLine]:
    """Yield the first columns of each line; the first of them is the id of one of the cases."""
    for line_number, line in enumerate(_read_text(path).split("\n"), start=1):
        if not line.strip():
            continue
        fields = line.split("\t")[: len(columns)]
        if len(fields) < len(columns):
            problem = (
                f"{len(fields)} tab-separated column(s), "
                f"{len(columns)} are needed: {', '.join(columns)}."
            )
            raise line_error(path, line_number, problem, fix=_RELEASE_FIX)
        if fields[0] not in cases:
            problem = f'the case "{fields[0]}" has no text in {path.parent / _ENGLISH}.'
            raise line_error(path, line_number, problem, fix=_RELEASE_FIX)
        yield _TsvLine(line_number, fields)


def _require_inside(table: Path, marks: tuple[EvidenceMark, ...], text: str) -> None:
    # Empty spans occur in the release, where an annotation is in several pieces: they are kept.
    for mark in marks:
        for start, end in mark.spans:
            if not start <= end <= len(text):
                problem = f"span {start} {end} lies outside the Spanish text (0-{len(text)})."
                raise line_error(table, mark.line_number, problem, fix=_RELEASE_FIX)


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UserError(f"{path}: no such file.", fix=_RELEASE_FIX) from None
    except UnicodeDecodeError as error:
        raise UserError(
            f"{path}: not UTF-8 at byte {error.start} of the file.", fix=_RELEASE_FIX
        ) from None
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}).") from None
