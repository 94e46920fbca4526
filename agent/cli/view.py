"""What a person sees on a terminal: the note with highlighted evidence beside the codes."""

from collections.abc import Sequence

from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.table import Column, Table
from rich.text import Text

from agent.result import AssignedCode, PLMOnly, PLMOpinion, Result
from knowledge.language import DEFAULT_LANGUAGE
from knowledge.rules.findings import Finding

_SIDE_BY_SIDE = 140  # columns from which note and codes stand beside each other
_COLOURS = ("green", "cyan", "magenta", "yellow", "blue", "red")
_OPINION_WIDTH = len("disagrees")
_PLM_ICD = "plm_icd"  # its voice in the sources of a code
_SEVERITY_STYLE = {"error": "bold red", "warning": "yellow", "info": "dim"}


def print_result(note: str, result: Result) -> None:
    """Print one coded note."""
    console = Console()
    if result.status == "failed":
        console.print(f"[bold red]{result.id} failed:[/] {result.error}", highlight=False)
        return
    left = Panel(_highlighted(note, result.codes), title=result.id)
    right = _codes_side(note, result)
    if console.width >= _SIDE_BY_SIDE:
        grid = Table.grid(expand=True, padding=(0, 1))
        grid.add_column(ratio=1)
        grid.add_column(ratio=1)
        grid.add_row(left, right)
        console.print(grid)
    else:
        console.print(left, right)


def _codes_side(note: str, result: Result) -> RenderableType:
    parts: list[RenderableType] = [_codes_table(result.codes, result.plm_icd)]
    if result.status == "empty":
        parts = [Text("No codeable condition found.", style="yellow")]
    if result.plm_icd and result.plm_icd.plm_only:
        parts.append(_plm_only_table(note, result.plm_icd.plm_only))
    serious = [f for f in result.findings if f.severity != "info"]
    if serious:
        parts.append(findings_table(serious))
    hints = len(result.findings) - len(serious)
    if hints:
        parts.append(Text(f"hints of the tabular list: {hints}, see --json", style="dim"))
    if result.context.language not in (None, DEFAULT_LANGUAGE):
        parts.append(Text("PLM-ICD was not asked: it reads English notes only.", style="dim"))
    usage = result.usage
    parts.append(
        Text(
            f"{result.code_system} {result.release}, policy {result.policy}, LLM {usage.llm}: "
            f"{usage.llm_calls} questions, {usage.seconds:.1f} s",
            style="dim",
        )
    )
    return Group(*parts)


def _colour(position: int) -> str:
    return _COLOURS[position % len(_COLOURS)]


def _highlighted(note: str, codes: Sequence[AssignedCode]) -> Text:
    text = Text(note.strip("\n"))
    lead = len(note) - len(note.lstrip("\n"))
    for position, code in enumerate(codes):
        for evidence in code.evidence:
            style = f"bold black on {_colour(position)}"
            text.stylize(style, evidence.start - lead, evidence.end - lead)
    return text


def _codes_table(codes: Sequence[AssignedCode], opinion: PLMOpinion | None) -> Table:
    columns: list[Column | str] = ["code", "description", "conf."]
    if opinion:
        columns.append(Column("PLM-ICD", width=_OPINION_WIDTH))
    table = Table(*columns, "reason", show_lines=True, expand=True)
    for position, code in enumerate(codes):
        name = Text(code.code, style=f"bold {_colour(position)}")
        if code.role == "principal":
            name.append("\nprincipal", style="dim")
        reason = code.reason + (f" [{', '.join(code.guidelines)}]" if code.guidelines else "")
        confidence = f"{code.confidence:.2f}"
        said = [_opinion_on(code, opinion)] if opinion else []
        table.add_row(name, code.description, confidence, *said, Text(reason))
    return table


def _opinion_on(code: AssignedCode, opinion: PLMOpinion) -> Text:
    """Return what PLM-ICD thinks of a code, with its probability."""
    if code.code in opinion.outside_label_space:
        return Text("not in its codes", style="dim")
    agrees = code.code in opinion.agree
    text = Text("agrees", style="green") if agrees else Text("disagrees", style="yellow")
    probability = code.sources.get(_PLM_ICD)
    return text if probability is None else text.append(f" {probability:.2f}")


def _plm_only_table(note: str, found: Sequence[PLMOnly]) -> Table:
    table = Table("code", "prob.", "words", title="Assigned by PLM-ICD alone")
    for only in found:
        words = "; ".join(" ".join(note[e.start : e.end].split()) for e in only.evidence)
        table.add_row(only.code, f"{only.probability:.2f}", Text(words))
    return table


def findings_table(findings: Sequence[Finding]) -> Table:
    """Return the rule findings as a table."""
    table = Table("finding", "codes", "message", "citation", title="Rule findings", expand=True)
    for finding in findings:
        message = finding.message + (f"\nMend: {finding.fix}" if finding.fix else "")
        table.add_row(
            Text(finding.rule, style=_SEVERITY_STYLE[finding.severity]),
            ", ".join(finding.codes),
            Text(message),
            Text(finding.citation),
        )
    return table
