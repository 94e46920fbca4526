"""check: the rule tools judge the accepted codes."""

from agent.encounter import encounter_context
from agent.judgement import with_judgements
from agent.nodes.ordering import coding_order
from agent.state import CoderContext, State
from agent.tools import CodeSet, call_rule_tools, rule_tools


def check(state: State, context: CoderContext) -> State:
    """Call every rule tool on the accepted codes in the order they would be reported."""
    ordered = coding_order(state["proposals"], state["note"], context, state.get("mends", ()))
    if not ordered:
        return {"findings": []}
    encounter = encounter_context(state["request"].context)
    tools = rule_tools(context.system, encounter)
    arguments = CodeSet(
        codes=[p.code for p in ordered],
        evidence={p.code: [(e.start, e.end) for e in p.evidence] for p in ordered},
    )
    findings = call_rule_tools(tools, arguments, context.recorder)
    judged = state.get("judged", ())
    return {"findings": with_judgements(findings, judged, arguments.codes, context.system)}
