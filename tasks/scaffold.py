"""A small family that works as it is, for an author to begin with (`mdevalbench tasks new`)."""

from __future__ import annotations

import os
import re
from pathlib import Path

from mdevalbench.errors import UsageError
from mdevalbench.tasks import loading

_MODEL = Path(__file__).resolve().parent / "scaffolding"
_NAME, _MOST_LETTERS = "FAMILY", 60
_TODO = re.compile(r"\bTODO\b[ :]*(.*?)\s*(?:[#-]\}|$)")


def scaffold(family: str) -> Path:
    """Write the files of a new family into the tasks folder that the environment names, or into the working copy.

    Raises UsageError for a name that cannot be one, or is taken, and where there is no folder to write to.
    """
    _check_name(family)
    folder = _parent() / family
    if folder.exists():
        raise UsageError(f"{folder} is there already, and nothing was written")
    if (taken := loading.ROOT / "codegen" / family).exists():
        raise UsageError(f"the package has a family {family!r} ({taken}): take another name")
    for path in sorted(_MODEL.rglob("*")):
        if path.is_file():
            target = folder / path.relative_to(_MODEL)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(path.read_text(encoding="utf-8").replace(_NAME, family), encoding="utf-8")
    return folder


def unfinished(folder: Path) -> list[str]:
    """Every `TODO` in the texts of a family, with file and line."""
    found = []
    for path in sorted(path for pattern in ("*.yml", "*.j2", "*/*.j2") for path in folder.glob(pattern)):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if todo := _TODO.search(line):
                found.append(f"{path}:{number}: is still to be done: {todo[1] or 'TODO'}")
    return found


def _check_name(family: str) -> None:
    if re.fullmatch(r"[a-z][a-z0-9_]*", family) and len(family) <= _MOST_LETTERS:
        return
    words = re.sub(r"[^a-z0-9]+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", family).lower()).strip("_")
    better = words.lstrip("0123456789_")[:_MOST_LETTERS].rstrip("_")
    raise UsageError(
        f"{family!r} cannot be the name of a family: lower-case letters, digits and _, beginning with a letter, "
        f"{_MOST_LETTERS} at most" + (f"; how about {better!r}?" if better else "")
    )


def _parent() -> Path:
    """Folder for new families."""
    if outside := os.environ.get(loading.TASKS_DIR):
        return Path(outside)
    if not (loading.ROOT.parent / "pyproject.toml").is_file():
        raise UsageError("say where to write: mdevalbench tasks new FAMILY --tasks-dir DIR (any folder of yours)")
    return loading.ROOT / "codegen"
