"""The rule checks as LangChain tools: the workflow calls them, and so can an LLM.

Each tool judges a whole code set, principal diagnosis first, and returns findings as JSON.
"""

import time
from collections.abc import Sequence
from typing import Any

from langchain_core.tools import BaseTool, StructuredTool
from pydantic import BaseModel, Field

from agent.trace.recorder import Recorder
from knowledge.code_systems.icd10cm import ICD10CM
from knowledge.rules import DEFAULT_RULES, RULES, CodedItem, EncounterContext, Finding, check_rules


class CodeSet(BaseModel):
    """Arguments of every rule tool."""

    codes: list[str] = Field(description="Dotted codes of one encounter, principal first.")
    evidence: dict[str, list[tuple[int, int]]] = Field(
        default_factory=dict, description="Evidence spans by code, as offsets into the note."
    )


def rule_tools(system: ICD10CM, encounter: EncounterContext) -> list[BaseTool]:
    """Return one tool for each rule, bound to the encounter it judges."""
    return [_rule_tool(rule_id, system, encounter) for rule_id in DEFAULT_RULES]


def _rule_tool(rule_id: str, system: ICD10CM, encounter: EncounterContext) -> BaseTool:
    rule = RULES[rule_id]

    def run(
        codes: list[str], evidence: dict[str, list[tuple[int, int]]] | None = None
    ) -> list[dict[str, Any]]:
        spans = evidence or {}
        items = [
            CodedItem(
                code=system.normalise(code),
                role="principal" if position == 0 else "secondary",
                evidence=tuple(tuple(s) for s in spans.get(code, [])),  # type: ignore[misc]
            )
            for position, code in enumerate(codes)
        ]
        return [f.model_dump() for f in check_rules([rule_id], items, encounter, system)]

    return StructuredTool.from_function(
        func=run,
        name=f"check_{rule_id}",
        description=f"{rule.card.title}. {rule.card.explanation} ({rule.card.citation})",
        args_schema=CodeSet,
    )


def call_rule_tools(
    tools: Sequence[BaseTool], arguments: CodeSet, recorder: Recorder
) -> list[Finding]:
    """Call every rule tool on one code set, record the calls, and return the findings."""
    findings: list[Finding] = []
    given = arguments.model_dump(mode="json")
    for tool in tools:
        began = time.perf_counter()
        result = tool.invoke(given)
        recorder.tool_call(tool.name, given, result, time.perf_counter() - began)
        findings.extend(Finding.model_validate(f) for f in result)
    return findings
