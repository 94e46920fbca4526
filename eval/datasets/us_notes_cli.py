"""``icd-agent data prepare us-notes``."""

import json
from pathlib import Path
from typing import Any

import click

from agent.cli.options import machine_readable
from eval.datasets.us_notes import HALVES, Half, agreement, read_half
from eval.jsonl import write_jsonl


@click.command(name="us-notes")
@click.argument("dst", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def us_notes(dst: Path, as_json: bool) -> None:
    """Build DST/tune.jsonl and DST/report.jsonl from the US-style notes that come with the package.

    Choose settings on tune, report figures on report. Where a second coder has coded every note of
    a half, the agreement is printed: micro-F1 of the second coding against the reference.
    """
    halves = [_write_half(half, dst) for half in HALVES]
    if machine_readable(as_json):
        click.echo(json.dumps({"data_set": "us-notes", "splits": halves}))
        return
    for summary in halves:
        click.echo(
            "{path}: {notes} notes, {codes} codes ({distinct_codes} distinct), "
            "{evidence} evidence spans".format(**summary)
        )
        if summary["agreement"]:
            click.echo("  second coder: micro-F1 {micro_f1:.3f}".format(**summary["agreement"]))


def _write_half(half: Half, dst: Path) -> dict[str, Any]:
    """Write one half and return what it holds."""
    notes = read_half(half)
    path = dst / f"{half}.jsonl"
    rows = [note.row() for note in notes]
    codes = [item.code for note in notes for item in note.codes]
    scores = agreement(notes)
    return {
        "split": half,
        "path": str(path),
        "notes": write_jsonl(path, (row.to_json() for row in rows)),
        "codes": len(codes),
        "distinct_codes": len(set(codes)),
        "evidence": sum(len(row.evidence) for row in rows),
        "agreement": scores
        and {
            "precision": round(scores.precision, 4),
            "recall": round(scores.recall, 4),
            "micro_f1": round(scores.f1, 4),
        },
    }
