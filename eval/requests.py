"""Rows of a data set as the agent is asked about them."""

from agent.encounter import make_context
from agent.request import CodingRequest
from knowledge.dataset_row import DatasetRow

_CONTEXT = {"setting", "sex", "age", "date", "language"}


def coding_request(row: DatasetRow) -> CodingRequest:
    """Return the request for a note, with what the data set knows of its encounter.

    Raises:
        UserError: A value of the encounter is out of range; names it and the note.
    """
    known = row.model_dump(mode="json", include=_CONTEXT, exclude_none=True)
    return CodingRequest(row.id, row.text, make_context(known, f"note {row.id}"))
