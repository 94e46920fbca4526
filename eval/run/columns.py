"""The columns in which a run is shown, at a terminal and in the report."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

_MISSING = "-"
_MEGABYTE = 1e6

# The figures of one system, as `eval.run.figures.figures_of` gives them.
SystemFigures: TypeAlias = Mapping[str, Any]


class Column(NamedTuple):
    """One column.

    Attributes:
        title: What stands above it.
        cell: The text of a system's cell; a missing figure raises LookupError or TypeError.
        help: What the figure is.
    """

    title: str
    cell: Callable[[SystemFigures], str]
    help: str


def _score(key: str) -> Callable[[SystemFigures], str]:
    return lambda system: f"{system['score'][key]:.3f}"


def _micro_f1(system: SystemFigures) -> str:
    low, high = system["score"]["micro_f1_ci95"]
    return f"{system['score']['micro_f1']:.3f} ({low:.3f}-{high:.3f})"


def _difference(metric: str) -> Callable[[SystemFigures], str]:
    def cell(system: SystemFigures) -> str:
        found = system["against_baseline"][metric]
        low, high = found["ci95"]
        return f"{found['difference']:+.3f} ({low:+.3f} to {high:+.3f})"

    return cell


def _p_value(test: str) -> Callable[[SystemFigures], str]:
    def cell(system: SystemFigures) -> str:
        p = system["against_baseline"][test]["p_holm"]
        return "<.0001" if p < 0.0001 else f"{p:.4f}"

    return cell


def _decisions(whose: str) -> Callable[[SystemFigures], str]:
    return lambda system: str(system["against_baseline"]["mcnemar"][whose])


def _cost(key: str, form: str, scale: float = 1.0) -> Callable[[SystemFigures], str]:
    return lambda system: format(system["cost"][key] / scale, form)


ACCURACY: Sequence[Column] = (
    Column("notes", lambda s: str(s["score"]["notes"]), "Notes that the system coded."),
    Column("micro-F1 (95 %)", _micro_f1, "Over all note-code pairs, bootstrap over notes."),
    Column("P", _score("micro_precision"), "Micro-precision."),
    Column("R", _score("micro_recall"), "Micro-recall."),
    Column("macro-F1", _score("macro_f1_gold_codes"), "Mean F1 of the codes of the reference."),
    Column("MAP", _score("map"), "Mean average precision of the ranking."),
    Column("R@50", _score("recall@50"), "Recall within the first 50 candidates."),
    Column("hier. F1", _score("hierarchical_f1"), "A near miss counts in part (CoPHE)."),
    Column(
        "evidence", lambda s: f"{s['evidence']['overlap']:.3f}", "Right codes with right words."
    ),
    Column("ECE", _score("expected_calibration_error"), "Expected calibration error."),
)
DIFFERENCES: Sequence[Column] = (
    Column("micro-F1 (95 %)", _difference("micro_f1"), "System minus baseline, paired bootstrap."),
    Column("p (Holm)", _p_value("micro_f1"), "Approximate randomisation, adjusted for systems."),
    Column("macro-F1 (95 %)", _difference("macro_f1_gold_codes"), "System minus baseline."),
    Column("p (Holm)", _p_value("macro_f1_gold_codes"), "As for micro-F1."),
    Column("MAP (95 %)", _difference("map"), "System minus baseline."),
    Column("p (Holm)", _p_value("map"), "As for micro-F1."),
    Column("mended", _decisions("system_only"), "Decisions that the system alone has right."),
    Column("spoilt", _decisions("baseline_only"), "Decisions that the baseline alone has right."),
    Column("McNemar (Holm)", _p_value("mcnemar"), "Over single decisions."),
)
COST: Sequence[Column] = (
    Column("notes/s", _cost("notes_per_second", ".2f"), "Without loading."),
    Column("median, s", _cost("seconds_p50", ".2f"), "Time of a note."),
    Column("p95, s", _cost("seconds_p95", ".2f"), "Time of a note."),
    Column("LLM calls", _cost("llm_calls", ".1f"), "A note."),
    Column("tokens read", _cost("prompt_tokens", ".0f"), "By the LLM, a note."),
    Column("written", _cost("completion_tokens", ".0f"), "By the LLM, a note."),
    Column("load, s", _cost("load_seconds", ".1f"), "Until the first note could begin."),
    Column("peak, MB", _cost("peak_bytes", ".0f", _MEGABYTE), "Memory of the process."),
    Column("files, MB", _cost("model_bytes", ".0f", _MEGABYTE), "That the system reads."),
    Column("energy, Wh", _cost("energy_wh", ".4f"), "Estimated by codecarbon, a note."),
    Column("price", _cost("price", ".6f"), "A note, from the table of prices."),
)


# In the order in which they are shown, by title.
TABLES: Mapping[str, Sequence[Column]] = {
    "Accuracy": ACCURACY,
    "Against the baseline, on the notes of both": DIFFERENCES,
    "Cost of a note": COST,
}


def rows_of(
    figures: Mapping[str, Any], columns: Sequence[Column]
) -> Iterator[tuple[str, list[str]]]:
    """Yield each system with its cells; a figure that is not known is a dash."""
    for name, system in figures["systems"].items():
        yield name, [_shown(column, system) for column in columns]


def _shown(column: Column, system: SystemFigures) -> str:
    try:
        return column.cell(system)
    except (LookupError, TypeError):
        return _MISSING
