"""``icd-agent train``: the parts that learn from coded notes."""

from pathlib import Path

import click

from agent.cli.options import json_option
from indexes.cli_output import print_report, progress_bar
from indexes.train_cli import DATA, FOLDER, plm_icd, ranker, work_folder


@click.group()
def train() -> None:
    """Train PLM-ICD, the ranker with all it rests on, and the voices of evidence and LLM."""


train.add_command(plm_icd)
train.add_command(ranker)


@train.command("llm-voice")
@click.argument("data", type=DATA)
@click.option(
    "--llm",
    default="builtin",
    show_default=True,
    metavar="SPEC",
    help="builtin, gguf:FILE or openai:MODEL@URL.",
)
@click.option(
    "--notes",
    "count",
    type=click.IntRange(min=1),
    default=60,
    show_default=True,
    help="Notes to ask about.",
)
@click.option(
    "--out", type=FOLDER, help="Folder of the learned parts; the shipped one if not given."
)
@click.option("--work", type=FOLDER, help="The folder that `train ranker` worked in.")
@json_option
def llm_voice(
    data: Path, llm: str, count: int, out: Path | None, work: Path | None, as_json: bool
) -> None:
    """Fit how an LLM weighs beside the ranker, on DATA that the ranker was trained on.

    A run that was stopped goes on with the note it was at.
    """
    from agent.coder import Coder, CoderOptions
    from agent.llm_voice import collect_answers, fit_voice, read_out_of_fold
    from indexes.artefacts import Artefacts
    from indexes.coded_notes import read_coded_notes
    from indexes.learned import LearnedFiles, add_voice

    folder = work_folder(work)
    files = LearnedFiles(out or Artefacts.bundled().learned)
    confidences = read_out_of_fold(folder / "out_of_fold.jsonl")
    notes = [n for n in read_coded_notes(data) if n.id in confidences][:count]
    context = Coder(CoderOptions(llm=llm, policy="mentions", learned=files.folder)).context
    model = context.llm_identity.model
    kept = folder / f"answers.{model.replace(':', '-')}.{files.identity[:8]}.jsonl"
    with progress_bar("Asking") as progress:
        answers = collect_answers(notes, confidences, context, kept, progress)
    voice = fit_voice(answers, model)
    add_voice(files, voice)
    text = (
        f"{voice.questions} answers of {model}: confidence x {voice.confidence_weight:.2f} + "
        f"answer x {voice.llm_weight:.2f} {voice.bias:+.2f}"
    )
    print_report(voice.model_dump(), text, as_json)


@train.command("guideline-voice")
@click.argument("data", type=DATA)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File of the voice; the shipped one if not given.",
)
@json_option
def guideline_voice(data: Path, out: Path | None, as_json: bool) -> None:
    """Fit how evidence weighs under guidelines, on DATA with the codes of US coders.

    DATA is a data-set JSONL such as the tune.jsonl of `icd-agent data prepare us-notes`.
    """
    from agent.coder import Coder, CoderOptions
    from agent.voice.model import WEIGHTS
    from agent.voice.training import code_with, train_voice, training_context
    from indexes.coded_notes import read_coded_notes

    notes = read_coded_notes(data)
    context = training_context(Coder(CoderOptions(llm="none")).context)
    voice = train_voice(notes, context, code_with(context))
    path = out or WEIGHTS
    voice.write(path)
    text = (
        f"{voice.candidates} candidates of {voice.notes} notes; on notes not seen micro-F1 "
        f"{voice.micro_f1:.4f} at confidence {voice.threshold}, calibration error "
        f"{voice.calibration_error:.4f}; voice in {path}"
    )
    print_report({"file": str(path), **voice.model_dump(exclude={"weights"})}, text, as_json)
