"""A suggested change of a script, as text."""

from __future__ import annotations

import difflib


def diff(old: str, new: str) -> str:
    """A unified diff without context."""
    lines = difflib.unified_diff(old.split("\n"), new.split("\n"), "script", "script", n=0, lineterm="")
    return "".join(f"{line}\n" for line in lines)


def suggested(script: str, mended: str) -> str:
    """The change as models are told it, to be put after what is wrong; empty without one."""
    return f"\nSuggested change:\n```diff\n{diff(script, mended)}```" if mended else ""
