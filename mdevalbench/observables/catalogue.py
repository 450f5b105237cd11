"""Which estimators there are, for authors of families."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from importlib.metadata import entry_points

from mdevalbench.observables.estimator import _ESTIMATORS, PLUGINS, get_estimator


@dataclass(frozen=True, slots=True)
class Entry:
    """An estimator as families name it."""

    name: str
    options: tuple[str, ...]
    """as `measure.options` gives them: `quantity`, or `bin_width=0.05` where it may be left out"""
    text: str
    """what its author says of it: formula, range of validity, what it needs"""

    @property
    def summary(self) -> str:
        """The first sentence."""
        return " ".join(self.text.partition("\n\n")[0].split())


def estimators() -> tuple[Entry, ...]:
    """All estimators, those of installed packages included, by name. Raises UsageError if one cannot be loaded."""
    names = _ESTIMATORS.keys() | {point.name for point in entry_points(group=PLUGINS)}
    return tuple(_entry(name) for name in sorted(names))


def _entry(name: str) -> Entry:
    function = get_estimator(name)
    options = [p for p in inspect.signature(function).parameters.values() if p.kind is p.KEYWORD_ONLY]
    options = options or list(inspect.signature(function).parameters.values())[2:]
    shown = tuple(p.name if p.default is p.empty else f"{p.name}={p.default!r}" for p in options)
    return Entry(name, shown, inspect.getdoc(function) or "")
