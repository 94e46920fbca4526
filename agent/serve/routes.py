"""Look-ups and rule checks. FastAPI runs these functions in threads, beside the coding."""

import importlib.metadata
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query

from agent.coder import Coder
from agent.result import SCHEMA_VERSION
from agent.serve.errors import refusal_of, refusals
from agent.serve.gate import OPEN_PATH
from agent.serve.models import CodesToCheck, Health, Version
from agent.tools import Desk
from agent.tools import arguments as args
from agent.tools.answers import CodeEntry, CodeHits, GuidelineHits, Mapping, RuleReport
from knowledge.errors import UserError


def lookup_router(coder: Coder, desk: Desk) -> APIRouter:
    """Return the paths for which no note is coded."""
    router = APIRouter(tags=["look-ups"])

    @router.get(OPEN_PATH, tags=["server"])
    def health() -> Health:
        """Tell that the server answers. Needs no token."""
        return Health()

    @router.get("/v1/version", tags=["server"])
    def version() -> Version:
        """Tell what codes here: version, release, policy, LLM."""
        context = coder.context
        return Version(
            version=importlib.metadata.version("icd-agent"),
            schema_version=SCHEMA_VERSION,
            code_system=context.system.name,
            release=context.system.release,
            policy=context.policy,
            llm=context.llm_identity.spec,
        )

    @router.get("/v1/search", responses=refusals(422))
    def search(
        q: Annotated[args.Query, Query(examples=["heart failure"])],
        kind: Annotated[Literal["code", "guideline"], Query(description="What to search.")] = (
            "code"
        ),
        limit: Annotated[args.Limit, Query()] = 10,
    ) -> CodeHits | GuidelineHits:
        """Find codes for a diagnosis in a clinician's words, or guideline cards for a question."""
        find = desk.search_guidelines if kind == "guideline" else desk.search_codes
        return find(q, limit)

    @router.get("/v1/codes/{code}", responses=refusals(404, 422))
    def show(
        code: Annotated[args.Code, Path(examples=["E11.22"])],
        system: Annotated[args.System, Query()] = "icd10cm",
    ) -> CodeEntry:
        """Show a code, block or chapter with its place in the tree and the notes that govern it."""
        try:
            return desk.show_code(code, system)
        except UserError as error:
            raise refusal_of(error, 404) from error

    @router.get("/v1/map/{code}", responses=refusals(422))
    def map_code(
        code: Annotated[args.Code, Path(examples=["250.00"])],
        to: Annotated[args.Target, Query(examples=["icd10cm"])],
        source: Annotated[args.Source, Query(alias="from")] = None,
    ) -> Mapping:
        """Map a code to another code system: every equivalent, combinations included."""
        return desk.map_code(code, to, source)

    @router.post("/v1/check", responses=refusals(422))
    def check(asked: CodesToCheck) -> RuleReport:
        """Check the codes of one encounter against the coding rules, the principal code first."""
        return desk.check_codes(asked.codes, asked.setting, asked.sex, asked.age, asked.date)

    return router
