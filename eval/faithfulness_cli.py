"""``icd-agent eval faithfulness``."""

import itertools
from pathlib import Path
from typing import TYPE_CHECKING

import click

from eval.printing import print_figures
from indexes.cli_output import json_option

if TYPE_CHECKING:
    from agent.result import Policy
    from eval.faithful_systems import SystemName


@click.command(name="faithfulness")
@click.argument("data", type=click.Path(path_type=Path))
@click.option("--system", type=click.Choice(["agent", "plm-icd"]), default="agent")
@click.option(
    "--policy",
    type=click.Choice(["guidelines", "mentions"]),
    default="mentions",
    show_default=True,
    help="Of the agent.",
)
@click.option(
    "--notes",
    type=click.IntRange(min=1),
    default=50,
    show_default=True,
    help="Only the first notes: each code takes four readings of a note.",
)
@json_option
def faithfulness(
    data: Path, system: "SystemName", policy: "Policy", notes: int, as_json: bool
) -> None:
    """Measure whether the evidence that a system cites is what its belief in a code rests on.

    DATA is a data-set JSONL. Comprehensiveness: how far the belief falls without the evidence;
    sufficiency: how far it falls with the evidence alone; both beside as many random words.
    """
    from eval.faithful_systems import agent_system, plm_system
    from eval.faithfulness import measure_drops, summarise
    from eval.tables import figures_table
    from indexes.cli_output import progress_bar
    from knowledge.dataset_row import read_rows
    from knowledge.errors import UserError

    rows = list(itertools.islice(read_rows(data), notes))
    place = {row.id: number for number, row in enumerate(rows, 1)}
    judged = plm_system(rows) if system == "plm-icd" else agent_system(rows, policy)
    drops = []
    with progress_bar(f"faithfulness of {system}") as progress:
        for drop in measure_drops(judged.cited, judged.belief):
            drops.append(drop)
            progress(place[drop.note], len(rows))
    if not drops:
        raise UserError(f"{system} assigns no code to the notes of {data}", fix="give other notes")
    figures = {"system": system, **summarise(drops).to_json()}
    print_figures(figures, lambda: figures_table("Faithfulness", figures), as_json)
