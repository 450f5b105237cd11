"""The attacks: scripts kept as files, each telling in its first line what it tries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args

from jinja2 import Environment, StrictUndefined

from mdevalbench.errors import UsageError
from mdevalbench.tasks.source import did_you_mean

Group = Literal["escape", "cheat"]
GROUPS: tuple[Group, ...] = get_args(Group)
_FOLDERS: dict[Group, str] = {"escape": "escapes", "cheat": "cheats"}
_ENVIRONMENT = Environment(undefined=StrictUndefined, keep_trailing_newline=True, trim_blocks=True, autoescape=False)


@dataclass(frozen=True, slots=True)
class Attack:
    """A hostile or cheating script."""

    name: str
    group: Group
    about: str
    """what is tried, in plain words"""
    source: str
    """Jinja2 template of the script"""

    def render(self, names: Mapping[str, Any]) -> str:
        """The script for one scene or task. Raises `jinja2.UndefinedError` if it asks for a name that is missing."""
        return _ENVIRONMENT.from_string(self.source).render(names)


@cache
def attacks(group: Group | None = None) -> tuple[Attack, ...]:
    """All attacks, or those of one group, by name within each group."""
    wanted = GROUPS if group is None else (group,)
    here = Path(__file__).parent
    return tuple(_read(path, one) for one in wanted for path in sorted((here / _FOLDERS[one]).glob("*.lmp")))


def choose(group: Group | None = None, names: Sequence[str] = ()) -> tuple[Attack, ...]:
    """The attacks of a group with these names; all of them if no name is given.

    Raises:
        UsageError: there is no attack of such a name.
    """
    known = {attack.name: attack for attack in attacks(group)}
    for name in names:
        if name not in known:
            raise UsageError(f"there is no attack `{name}`{did_you_mean(name, known, 'there are')}")
    return tuple(known[name] for name in names) if names else tuple(known.values())


def _read(path: Path, group: Group) -> Attack:
    source = path.read_text(encoding="utf-8")
    return Attack(path.stem, group, source.partition("\n")[0].removeprefix("#").strip(), source)
