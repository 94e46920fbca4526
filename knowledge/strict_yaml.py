"""YAML as data files need it: safe, and a key written twice is an error, not a silent overwrite."""

from collections.abc import Hashable
from pathlib import Path

import yaml


class DuplicateKeyError(ValueError):
    """A mapping names the same key twice; PyYAML alone would keep the last and stay silent."""


# libyaml parses ten times as fast; PyYAML may have been built without it.
_SafeLoader: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _StrictLoader(_SafeLoader):  # type: ignore[misc, valid-type]  # one of two classes
    """SafeLoader that refuses duplicate keys."""

    def construct_mapping(
        self, node: yaml.MappingNode, deep: bool = False
    ) -> dict[Hashable, object]:
        """Build a mapping, raising where a key repeats.

        Raises:
            DuplicateKeyError: If two keys of the mapping are equal.
        """
        seen: set[Hashable] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                raise DuplicateKeyError(f"key {key!r} occurs twice, {key_node.start_mark}")
            seen.add(key)
        mapping: dict[Hashable, object] = super().construct_mapping(node, deep=deep)
        return mapping


def parse_yaml(text: str) -> object:
    """Parse one YAML document.

    Args:
        text: The document.

    Returns:
        Plain Python data (dict, list, str, int, ...).

    Raises:
        DuplicateKeyError: If a mapping names a key twice.
    """
    return yaml.load(text, Loader=_StrictLoader)


def read_yaml(path: Path) -> object:
    """Parse the YAML file at ``path``; see `parse_yaml`."""
    return parse_yaml(path.read_text(encoding="utf-8"))
