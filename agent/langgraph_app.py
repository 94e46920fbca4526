"""The agent as LangGraph's own tools start it (``langgraph.json``).

Those pass plain JSON in and out, so one outer node turns ``{"id", "text"}`` into a request and the
result into JSON. Models are loaded when the graph is made. What those tools themselves do with the
text, such as sending it to a tracing service that the environment names, is theirs to set.
"""

from typing import Any, NotRequired, TypedDict

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from agent.chat.graph import ChatGraph, build_chat_graph
from agent.chat.session import Parts
from agent.coder import Coder, CoderOptions
from agent.request import CodingRequest


class NoteState(TypedDict):
    """What goes in and comes out."""

    text: str
    id: NotRequired[str]
    result: NotRequired[dict[str, Any]]


def make_chat_graph() -> ChatGraph:
    """Return the graph of a conversation with the default options.

    A turn goes in as ``{"turn": {"action": "note", "text": ...}}``, ``{"turn": {"action": "why",
    "code": ...}}`` and so on (`agent.chat.models.Turn`); ``reply`` comes out.
    """
    return build_chat_graph(Parts(Coder(CoderOptions())))


def make_graph() -> CompiledStateGraph[NoteState, None, NoteState, NoteState]:
    """Return a graph that codes one note with the default options."""
    coder = Coder(CoderOptions())

    def code(state: NoteState) -> dict[str, Any]:
        request = CodingRequest(state.get("id", "note"), state["text"])
        return {"result": coder.code(request).model_dump()}

    graph = StateGraph(NoteState)
    graph.add_node("code", code)
    graph.add_edge(START, "code")
    graph.add_edge("code", END)
    return graph.compile()
