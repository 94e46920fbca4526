"""The plots of a report, each as an SVG picture that stands in the page itself."""

import io
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from knowledge.errors import UserError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_WIDTH, _HEIGHT = 6.4, 3.6  # inches
_STAGES = (
    "not_retrieved",
    "ranked_low",
    "retrieval_rejected",
    "reasoning_rejected",
    "policy_dropped",
    "rule_dropped",
)
_FREQUENCIES = ("10+", "3-9", "1-2", "unseen")


def plots_of(figures: Mapping[str, Any]) -> dict[str, str]:
    """Return the plots of a run as SVG by caption.

    Raises:
        UserError: matplotlib is not installed.
    """
    systems = figures["systems"]
    plots = {"Accuracy with 95 % intervals": _drawn(lambda axes: _intervals(axes, systems))}
    if any(system["cost"] for system in systems.values()):
        plots["Accuracy against time; the line joins what nothing beats in both"] = _drawn(
            lambda axes: _pareto(axes, systems)
        )
    if all(system["score"]["by_train_frequency"] for system in systems.values()):
        plots["Recall by how often the training notes have a code"] = _drawn(
            lambda axes: _frequencies(axes, systems)
        )
    plots["Where codes of the reference were lost"] = _drawn(lambda axes: _stages(axes, systems))
    return plots


def pareto_front(points: Mapping[str, tuple[float, float]]) -> list[str]:
    """Return the systems that no other beats in both cost and accuracy, cheapest first.

    Args:
        points: Cost (smaller is better) and accuracy (larger is better) by system.
    """
    front: list[str] = []
    best = float("-inf")
    for name, (_, accuracy) in sorted(points.items(), key=lambda item: (item[1][0], -item[1][1])):
        if accuracy > best:
            front.append(name)
            best = accuracy
    return front


def _drawn(draw: "Callable[[Axes], None]") -> str:
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise UserError(
            "the plots of a report need matplotlib", fix="pip install 'icd-agent[report]'"
        ) from error
    # Not pyplot, which would look for a screen and keep every figure.
    figure = Figure(figsize=(_WIDTH, _HEIGHT), layout="constrained")
    draw(figure.subplots())
    picture = io.StringIO()
    # No date, so that the same figures give the same file.
    figure.savefig(picture, format="svg", metadata={"Date": None})
    svg = picture.getvalue()
    return svg[svg.index("<svg") :]


def _intervals(axes: "Axes", systems: Mapping[str, Any]) -> None:
    names = list(systems)[::-1]
    for place, name in enumerate(names):
        score = systems[name]["score"]
        value, (low, high) = score["micro_f1"], score["micro_f1_ci95"]
        axes.errorbar(value, place, xerr=[[value - low], [high - value]], fmt="o", capsize=3)
    axes.set_yticks(range(len(names)), names)
    axes.set_xlabel("micro-F1")
    axes.grid(axis="x", alpha=0.3)


def _pareto(axes: "Axes", systems: Mapping[str, Any]) -> None:
    points = {
        name: (system["cost"]["seconds_p50"], system["score"]["micro_f1"])
        for name, system in systems.items()
        if system["cost"]
    }
    for name, (seconds, accuracy) in points.items():
        axes.plot(seconds, accuracy, "o")
        axes.annotate(name, (seconds, accuracy), (4, 4), textcoords="offset points", fontsize=8)
    front = [points[name] for name in pareto_front(points)]
    axes.plot(*zip(*front, strict=True), color="grey", linewidth=1, zorder=0)
    axes.set_xscale("log")
    axes.set_xlabel("median seconds a note")
    axes.set_ylabel("micro-F1")
    axes.margins(x=0.2)
    axes.grid(alpha=0.3)


def _frequencies(axes: "Axes", systems: Mapping[str, Any]) -> None:
    for name, system in systems.items():
        slices = system["score"]["by_train_frequency"]
        recall = [slices.get(label, {}).get("micro_recall", float("nan")) for label in _FREQUENCIES]
        axes.plot(_FREQUENCIES, recall, marker="o", label=name)
    axes.set_xlabel("training notes with the code")
    axes.set_ylabel("recall")
    axes.legend(fontsize=8)
    axes.grid(alpha=0.3)


def _stages(axes: "Axes", systems: Mapping[str, Any]) -> None:
    names = list(systems)[::-1]
    left = [0.0] * len(names)
    for stage in _STAGES:
        misses = [systems[name]["errors"]["misses"] for name in names]
        shares = [found["by_stage"].get(stage, 0) / max(found["total"], 1) for found in misses]
        if any(shares):
            axes.barh(names, shares, left=left, label=stage.replace("_", " "))
            left = [start + share for start, share in zip(left, shares, strict=True)]
    axes.set_xlabel("share of the misses")
    axes.legend(fontsize=8)
