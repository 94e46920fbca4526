"""The Spanish side of a bilingual note of a data set (CodiEsp)."""

from collections.abc import Iterator
from typing import Any

from knowledge.dataset_row import AlignedEvidence, DatasetRow, EvidenceSpan
from knowledge.errors import UserError


def spanish_row(row: DatasetRow) -> DatasetRow:
    """Return a note as its Spanish original, with the evidence as it was marked there.

    A row that says it is Spanish is returned as it is. Evidence without a place in the text goes.

    Raises:
        UserError: The row has no Spanish text.
    """
    if row.language == "es":
        return row
    if row.text_es is None:
        raise UserError(
            f'The note {row.id!r} has no Spanish text: neither "text_es" nor "language": "es".',
            fix="icd-agent data prepare codiesp SRC DST --language es",
        )
    given = {
        **row.to_json(),
        "text": row.text_es,
        "language": "es",
        "evidence": [item.model_dump(exclude_unset=True) for item in _marked(row)],
    }
    return DatasetRow.model_validate({k: v for k, v in given.items() if k != "text_es"})


def _marked(row: DatasetRow) -> Iterator[EvidenceSpan]:
    for item in row.evidence:
        if not isinstance(item, AlignedEvidence):
            continue
        pieces = tuple(sorted((start, end) for start, end in item.spans_es if end > start))
        if not pieces:
            continue
        given: dict[str, Any] = {"code": item.code, "kind": item.kind}
        given |= {"start": pieces[0][0], "end": max(end for _, end in pieces)}
        if len(pieces) > 1:
            given["pieces"] = pieces
        yield EvidenceSpan(**given)
