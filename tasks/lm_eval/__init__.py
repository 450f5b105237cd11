"""Task files for lm-eval: `lm_eval run --include_path "$(mdevalbench tasks lm-eval)" --tasks mdevalbench_syntax_en`.

lm-eval passes over a task file that it cannot read; `folder` does not.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import yaml

from mdevalbench.errors import TaskError

FOLDER = Path(__file__).parent


def folder(where: Path = FOLDER) -> Path:
    """The folder with the task files, once each of them was read. Raises TaskError naming file and line."""
    names: dict[str, Path] = {}
    for path in sorted(where.glob("*.yaml")):
        content = _read(path)
        if path.name.startswith("_"):  # what others include
            continue
        name = content.get("task")
        if not isinstance(name, str):
            raise TaskError(f"{path}:1: `task` is missing: the name under which lm-eval knows it")
        if name in names:
            raise TaskError(f"{path}:1: the task {name!r} is also in {names[name]}")
        names[name] = path
        if "include" in content and not (where / content["include"]).is_file():
            raise TaskError(f"{path}:1: it includes {content['include']!r}, which is not there")
    return where


class _Loader(yaml.SafeLoader):
    """YAML with lm-eval's tag for functions."""


def _function(loader: yaml.SafeLoader, node: yaml.Node) -> str:
    name = str(loader.construct_scalar(node))  # type: ignore[arg-type]
    module, _, function = name.rpartition(".")
    try:
        known = hasattr(importlib.import_module(module), function)
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith("mdevalbench"):
            return name  # lm-eval or datasets are not installed here
        known = False
    if not known:
        raise yaml.constructor.ConstructorError(None, None, f"there is no function {name}", node.start_mark)
    return name


_Loader.add_constructor("!function", _function)


def _read(path: Path) -> dict[str, Any]:
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), _Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise TaskError(f"{path}:{mark.line + 1 if mark else 1}: lm-eval cannot read it: {error.problem}") from error
    if not isinstance(content, dict):
        raise TaskError(f"{path}:1: a task of lm-eval is a mapping")
    return content
