"""Settings from a YAML file: for ablations, and for an LLM that earns more say."""

from pathlib import Path

import yaml
from pydantic import ValidationError

from agent.settings import Settings
from knowledge.errors import UserError
from knowledge.strict_yaml import read_yaml


def read_settings(path: Path) -> Settings:
    """Read the fields of `Settings` that differ from their defaults.

    Raises:
        UserError: The file cannot be read, is no YAML mapping, or holds a field or a value that
            there is not.
    """
    fix = f"give fields of the settings, as in max_judgements: 2; known: {', '.join(_FIELDS)}"
    try:
        return Settings.model_validate(read_yaml(path) or {})
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}.", fix=fix) from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the whole file"
        raise UserError(f"{path}, {where}: {first['msg']}.", fix=fix) from error
    except (ValueError, yaml.YAMLError) as error:
        raise UserError(f"{path} is no YAML: {' '.join(str(error).split())}.", fix=fix) from error


_FIELDS = tuple(Settings.model_fields)
