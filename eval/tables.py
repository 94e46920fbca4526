"""Tables of reports for a reader at a terminal; scripts get the same figures as JSON."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Group
    from rich.table import Table

    from eval.accuracy import Figure
    from eval.compare import Comparison
    from eval.score import ScoreReport
    from eval.unseen import Share, UnseenReport


def score_tables(report: "ScoreReport") -> "Group":
    """Lay out a report for a reader at a terminal: the figures, to four decimals, then slices."""
    from rich.console import Group

    figures = report.to_json()
    slices = {name: figures.pop(name) for name in ("by_chapter", "by_train_frequency")}
    return Group(
        figures_table("Score", figures),
        *(_slices_table(name, parts) for name, parts in slices.items() if parts),
    )


def comparison_table(report: "Comparison") -> "Table":
    """Lay out a comparison for a reader at a terminal: one row a system and metric."""
    from rich.table import Table

    table = Table(title=f"Against {report.baseline}, {report.notes} notes")
    for name in ("system", "metric"):
        table.add_column(name)
    for name in ("baseline", "system", "difference (95 %)", "p", "p, Holm"):
        table.add_column(name, justify="right")
    for system in report.systems:
        for name, found in system.differences.items():
            low, high = found.ci95
            table.add_row(
                str(system.path),
                name,
                _shown(found.baseline),
                _shown(found.system),
                f"{found.difference:+.4f} ({low:+.4f} to {high:+.4f})",
                _p_value(found.p),
                _p_value(system.p_holm[name]),
            )
        test = system.mcnemar
        table.add_row(
            str(system.path),
            "decisions that one alone has right",
            str(test.baseline_only),
            str(test.system_only),
            "McNemar",
            _p_value(test.p),
            _p_value(system.p_holm["mcnemar"]),
            end_section=True,
        )
    return table


def accuracy_table(figures: "Iterable[Figure]") -> "Table":
    """Lay out measured figures beside their targets, one row a figure."""
    from rich.table import Table

    table = Table("figure", title="Accuracy")
    for name in ("value", "95 %", "must", "want", "reached", "notes"):
        table.add_column(name, justify="right")
    for figure in figures:
        table.add_row(
            figure.what,
            f"{figure.value:.3f}",
            " to ".join(f"{end:.3f}" for end in figure.ci95 or ()),
            *("" if target is None else f"{target:g}" for target in (figure.must, figure.want)),
            figure.verdict,
            str(figure.notes),
        )
    return table


def error_tables(figures: Mapping[str, Any]) -> "Group":
    """Lay out counted errors: by stage, by kind, the commonest, and the commonest confusions."""
    from rich.console import Group
    from rich.table import Table

    tables = []
    for name in ("misses", "false_alarms"):
        part = figures[name]
        for column in ("by_stage", "by_kind", "commonest"):
            table = Table(column.removeprefix("by_"), title=f"{name}: {part['total']}")
            table.add_column("errors", justify="right")
            for label, count in part[column].items():
                table.add_row(label, str(count))
            tables.append(table)
    confusions = Table("reference", "assigned", "kind", title="confusions")
    confusions.add_column("notes", justify="right")
    for row in figures["commonest_confusions"]:
        confusions.add_row(*map(str, row.values()))
    return Group(*tables, confusions)


def unseen_table(report: "UnseenReport") -> "Table":
    """Lay out a report for a reader at a terminal: one row a figure, one column a system."""
    from rich.table import Table

    judged = f"{report.judged_notes} notes" + (", out of fold" if report.out_of_fold else "")
    table = Table(
        "held-out codes",
        title=f"{report.held_out_codes} codes, {report.occurrences} times in {judged}",
    )
    for system in report.outcomes:
        where = "in training" if system.in_training else "held out"
        table.add_column(f"{where}, {system.wordings}", justify="right")
    for name in report.outcomes[0].held_out:
        table.add_row(name, *(_with_interval(system.held_out[name]) for system in report.outcomes))
    for name in report.outcomes[0].others:
        table.add_row(
            f"{name} of other codes", *(_shown(system.others[name]) for system in report.outcomes)
        )
    for name, found in report.generators.items():
        table.add_row(f"recall@50 of {name} alone", "", _with_interval(found))
    if never_seen := report.never_seen:
        table.add_section()
        table.add_row(f"{never_seen.codes} codes that training lacks, shipped parts")
        for name, found in never_seen.figures.items():
            table.add_row(name, _with_interval(found))
    return table


def judgements_table(report: Mapping[str, Any]) -> "Table":
    """Lay out how well an LLM judges: one row a figure, one column a kind of question."""
    from rich.table import Table

    table = Table("figure", *report["kinds"], title=f"Judgements of {report['model']}")
    first = next(iter(report["kinds"].values()))
    for name in first:
        values = [kind[name] for kind in report["kinds"].values()]
        table.add_row(
            name.replace("_", " "),
            *(str(v) if isinstance(v, dict | bool) else _shown(v) for v in values),
        )
    return table


def figures_table(title: str, figures: Mapping[str, Any]) -> "Table":
    """Lay out figures by name, to four decimals."""
    from rich.table import Table

    table = Table("metric", title=title)
    table.add_column("value", justify="right")
    for name, value in figures.items():
        table.add_row(name, _shown(value))
    return table


def _slices_table(name: str, slices: Mapping[str, Mapping[str, float]]) -> "Table":
    from rich.table import Table

    columns = list(next(iter(slices.values())))
    table = Table(name.removeprefix("by_").replace("_", " "))
    for column in columns:
        table.add_column(column, justify="right")
    for label, figures in slices.items():
        table.add_row(label, *(_shown(figures[column]) for column in columns))
    return table


def _with_interval(share: "Share") -> str:
    return f"{share.value:.3f}" + (f" ({_shown(list(share.ci95))})" if share.ci95 else "")


def _p_value(p: float) -> str:
    return "<0.0001" if p < 0.0001 else f"{p:.4f}"


def _shown(value: float | list[float] | None) -> str:
    if value is None:
        return "-"
    if isinstance(value, list):
        return " to ".join(map(_shown, value))
    return str(value) if isinstance(value, int) else f"{value:.4f}"
