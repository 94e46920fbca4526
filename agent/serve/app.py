"""The application: routes around one coder, behind the gate."""

import importlib.metadata
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import Depends, FastAPI
from fastapi.security import HTTPBearer

from agent.chat.session import Parts
from agent.chat.store import ChatStore
from agent.coder import Coder
from agent.serve.coding_routes import coding_router
from agent.serve.errors import add_handlers, refusals
from agent.serve.gate import GATE_STATUSES, Gate
from agent.serve.jobs import Jobs
from agent.serve.limits import Access, Limits
from agent.serve.page import page_router
from agent.serve.routes import lookup_router
from agent.serve.thread_routes import thread_router
from agent.serve.threads import Threads
from agent.serve.turn_routes import turn_router
from agent.serve.workbench import Workbench
from agent.tools import Desk


def build_app(coder: Coder, access: Access, limits: Limits, store: ChatStore | None = None) -> Gate:
    """Return the application, an ASGI callable.

    Args:
        coder: The coder of all notes. Its ``trace_dir`` should be None, since traces hold notes.
        access: Who may make requests.
        limits: How many, and how large.
        store: Where threads live; None keeps them in memory.
    """
    workbench = Workbench(coder, limits)
    jobs = Jobs(workbench, limits)
    threads = Threads(Parts(coder), store or ChatStore.in_memory(), workbench, limits)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        with workbench.opened():
            async with threads.opened():
                yield
            jobs.close()

    app = FastAPI(
        title="icd-agent",
        version=importlib.metadata.version("icd-agent"),
        summary="Assigns and checks ICD-10-CM codes on this machine.",
        openapi_url="/v1/openapi.json",
        docs_url=None,  # the page would load its scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
        responses=refusals(*GATE_STATUSES),
        # Documents the scheme; the gate checks the token.
        dependencies=[Depends(HTTPBearer(auto_error=False))] if access.token else [],
    )
    add_handlers(app)
    desk = Desk(coder.context.system, lambda: coder.context, coder.options.index)
    app.include_router(lookup_router(coder, desk))
    app.include_router(coding_router(workbench, jobs))
    app.include_router(thread_router(threads))
    app.include_router(turn_router(threads))
    app.include_router(page_router())
    return Gate(app, access, limits, on_ending=threads.events.close)
