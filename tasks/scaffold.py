"""A small family that works as it is, for an author to begin with (`mdevalbench tasks new`)."""

from __future__ import annotations

import os
import re
from pathlib import Path

from mdevalbench.errors import UsageError
from mdevalbench.tasks import loading
from mdevalbench.tasks.source import did_you_mean

_MODEL = Path(__file__).resolve().parent / "scaffolding"
_NAME, _MOST_LETTERS = "FAMILY", 60
_TODO = re.compile(r"\bTODO\b[ :]*(.*?)\s*(?:[#-]\}|$)")


def scaffold(family: str, like: str | None = None) -> Path:
    """Write the files of a new family into the tasks folder that the environment names, or into the working copy.

    They are those of a small family, or of the family `like` without what was measured for it.

    Raises UsageError for a name that cannot be one, or is taken, where there is no folder to write to, and if there is
    no family `like`.
    """
    files = _model(family) if like is None else _copy(family, like)
    _check_name(family)
    folder = _parent() / family
    if folder.exists():
        raise UsageError(f"{folder} is there already, and nothing was written")
    if (taken := loading.ROOT / "codegen" / family).exists():
        raise UsageError(f"the package has a family {family!r} ({taken}): take another name")
    for name, text in files.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    return folder


def _model(family: str) -> dict[Path, str]:
    return {name: text.replace(_NAME, family) for name, text in _texts(_MODEL).items()}


def _copy(family: str, like: str) -> dict[Path, str]:
    """The files of another family under a new name, with a reminder that it still asks what that one asks."""
    places = (loading.ROOT / "codegen", _parent())
    found = {path.parent.name: path for place in places for path in place.glob("*/family.yml")}
    if like not in found:
        raise UsageError(f"there is no family {like!r} to copy{did_you_mean(like, found, 'there are')}")
    files = _texts(found[like].parent)
    settings, count = re.subn(rf"(?m)^family:\s*{like}\b", f"family: {family}", files[Path("family.yml")])
    if count != 1:
        raise UsageError(f"{found[like]}: has no line `family: {like}` that could be changed; copy the folder by hand")
    todo = f"# TODO: this is a copy of {like}: give it a title, a question, systems and published values of its own\n"
    return files | {Path("family.yml"): todo + settings}


def _texts(folder: Path) -> dict[Path, str]:
    """What an author has written in the folder of a family: settings and templates, by their path in it."""
    written = sorted(path for pattern in ("*.yml", "*.j2", "*/*.j2") for path in folder.glob(pattern))
    return {path.relative_to(folder): path.read_text(encoding="utf-8") for path in written}


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
