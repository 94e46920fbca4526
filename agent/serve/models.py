"""What requests hold and what is answered besides the results of `agent.result` and the tools."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from agent.result import Policy, Result
from agent.tools.arguments import AgeOf, Codes, DateOf, NoteText, SettingOf, SexOf

_NOTE: JsonDict = {
    "id": "visit-1",
    "text": "ASSESSMENT:\nLobar pneumonia. No chest pain.",
    "setting": "outpatient",
    "sex": "F",
    "age": 58,
}


class Asked(BaseModel):
    """A body, or a part of one."""

    # A field that does not exist may be a misspelt one, and would then change codes unnoticed.
    model_config = ConfigDict(extra="forbid")


class EncounterFields(Asked):
    """What is known of an encounter; each field decides codes."""

    setting: SettingOf = "inpatient"
    sex: SexOf = None
    age: AgeOf = None
    date: DateOf = None


class NoteToCode(EncounterFields):
    """A note and its encounter, as in a line of the files that ``icd-agent code`` reads."""

    model_config = ConfigDict(json_schema_extra={"examples": [_NOTE]})

    id: str = Field(
        default="note", min_length=1, max_length=200, description="Comes back in the result."
    )
    text: NoteText


class CodesToCheck(EncounterFields):
    """The codes of one encounter."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"codes": ["E10.9", "E11.9"]}]})

    codes: Codes


class JobToDo(Asked):
    """Notes to code in the background."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"notes": [_NOTE]}]})

    notes: Annotated[
        list[NoteToCode],
        Field(min_length=1, max_length=500, description="Each with an id of its own."),
    ]


class JobState(BaseModel):
    """How far a job is."""

    id: str
    status: Literal["running", "done"]
    total: int = Field(description="Number of notes.")
    done: int = Field(description="Notes coded so far, failed ones included.")
    failed: int
    results: list[Result] = Field(description="Of the notes done, in their order, from `after` on.")


class StageDone(BaseModel):
    """A stage of coding that has ended, as in a trace."""

    stage: str = Field(description="read, retrieve, reason, compare, policy, judge, check, ...")
    seconds: float
    summary: dict[str, Any] = Field(description="What it found, as `node_end` of docs/traces.md.")


class Health(BaseModel):
    """The server answers."""

    status: Literal["ok"] = "ok"


class Version(BaseModel):
    """What codes here."""

    version: str = Field(description="Of icd-agent.")
    schema_version: int = Field(description="Of results.")
    code_system: str
    release: str
    policy: Policy
    llm: str = Field(description="As given on the command line; no request changes it.")
