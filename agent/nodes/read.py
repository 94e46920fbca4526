"""read: the note becomes sections and sentences with offsets into the text as given."""

from agent.state import CoderContext, State
from knowledge.note_text import Note


def read(state: State, context: CoderContext) -> State:
    """Parse the note of the request."""
    request = state["request"]
    return {"note": Note.parse(request.text, request.id, context.language)}
