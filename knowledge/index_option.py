"""The option by which commands look codes up in an adopted release instead of the installed one."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

INDEX_VARIABLE = "ICD_AGENT_INDEX"

F = TypeVar("F", bound=Callable[..., Any])


def index_option(function: F) -> F:
    """Add ``--index``, which the environment variable ``ICD_AGENT_INDEX`` can give as well."""
    return click.option(
        "--index",
        type=click.Path(path_type=Path, file_okay=False),
        envvar=INDEX_VARIABLE,
        show_envvar=True,
        metavar="DIR",
        help="Folder of `icd-agent index build`, with the release it was built for; default: the "
        "shipped indexes and the installed release.",
    )(function)
