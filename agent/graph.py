"""The wiring of the agent, and nothing else: which node follows which.

    read -> retrieve -> reason -> compare -> policy -> judge -> check -> finalise
                                                                ^  |
                                                             revise   while a finding can be mended

Each node is one function ``(state, context) -> State`` in its own file of `agent.nodes`.
"""

import time
from collections.abc import Callable
from typing import Any, TypeAlias

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime

from agent.nodes.check import check
from agent.nodes.compare import compare
from agent.nodes.finalise import finalise
from agent.nodes.judge import judge_open_pairs
from agent.nodes.policy import apply_policy
from agent.nodes.read import read
from agent.nodes.reason import reason
from agent.nodes.retrieve import retrieve
from agent.nodes.revise import needs_revision, revise
from agent.nodes.summary import summarise
from agent.state import CoderContext, State

Node: TypeAlias = Callable[[State, CoderContext], State]
Graph: TypeAlias = CompiledStateGraph[State, CoderContext, State, State]


def _traced(name: str, node: Node) -> Callable[[State, Runtime[CoderContext]], State]:
    def run(state: State, runtime: Runtime[CoderContext]) -> State:
        recorder = runtime.context.recorder
        recorder.node_start(name)
        began = time.perf_counter()
        update = node(state, runtime.context)
        recorder.node_end(name, time.perf_counter() - began, summarise(update, runtime.context))
        return update

    run.__name__ = name
    return run


def _after_check(state: State, runtime: Runtime[CoderContext]) -> str:
    return "revise" if needs_revision(state, runtime.context) else "finalise"


def build_graph() -> Graph:
    """Return the compiled graph; a `CoderContext` comes with each invocation.

    It keeps no checkpoints, nor those of a graph that calls it: its state holds parsed notes, and
    the conversation stores what it needs itself.
    """
    graph: StateGraph[State, CoderContext, State, State] = StateGraph(
        State, context_schema=CoderContext
    )
    nodes: dict[str, Node] = {
        "read": read,
        "retrieve": retrieve,
        "reason": reason,
        "compare": compare,
        "policy": apply_policy,
        "judge": judge_open_pairs,
        "check": check,
        "revise": revise,
        "finalise": finalise,
    }
    for name, node in nodes.items():
        traced: Any = _traced(name, node)
        graph.add_node(name, traced)
    graph.add_edge(START, "read")
    graph.add_edge("read", "retrieve")
    graph.add_edge("retrieve", "reason")
    graph.add_edge("reason", "compare")
    graph.add_edge("compare", "policy")
    graph.add_edge("policy", "judge")
    graph.add_edge("judge", "check")
    graph.add_conditional_edges("check", _after_check, ["revise", "finalise"])
    graph.add_edge("revise", "check")
    graph.add_edge("finalise", END)
    return graph.compile(checkpointer=False)
