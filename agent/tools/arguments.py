"""Types of the arguments of tools: what is allowed, and the words that tell a model so."""

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

SystemKey: TypeAlias = Literal["icd10cm", "icd10who", "icd10pcs", "icd9cm", "icd9proc", "icd11"]

Query = Annotated[
    str, Field(min_length=1, max_length=500, description="Words, as a clinician writes them.")
]
Code = Annotated[str, Field(min_length=1, max_length=16, description="A code, for example E11.22.")]
Codes = Annotated[
    list[Code],
    Field(
        min_length=1, max_length=100, description="Codes of one encounter, the principal one first."
    ),
]
System = Annotated[SystemKey, Field(description="Code system of the code.")]
Source = Annotated[
    SystemKey | None, Field(description="Code system of the code; null: told by its shape.")
]
Target = Annotated[SystemKey, Field(description="Code system to map to.")]
Limit = Annotated[int, Field(ge=1, le=50, description="How many, at most.")]
NoteText = Annotated[
    str, Field(min_length=1, max_length=500_000, description="The whole text of the note.")
]
SettingOf = Annotated[
    Literal["inpatient", "outpatient"],
    Field(description="Of the encounter; it decides how uncertain diagnoses are coded."),
]
SexOf = Annotated[
    Literal["M", "F"] | None, Field(description="Of the patient; null where unknown.")
]
AgeOf = Annotated[
    float | None, Field(ge=0, le=130, description="Of the patient, in years; null where unknown.")
]
DateOf = Annotated[
    str | None,
    Field(description="Day of discharge or of the visit, YYYY-MM-DD; null where unknown."),
]
