"""What is left of a request: a folder with the script that runs with plain `lmp`, the page, and everything as data."""

from __future__ import annotations

import shutil
from pathlib import Path

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

from mdevalbench.agent.difference import diff
from mdevalbench.agent.matter import potential_files
from mdevalbench.agent.pictures import MOST_DRAWN, curve_svg, structure_svg
from mdevalbench.agent.trajectory import Trajectory
from mdevalbench.errors import UsageError
from mdevalbench.observables.units import style_unit

SCRIPT = "in.lmp"


def keep(trajectory: Trajectory, folder: Path, made: Path | None = None) -> Path:
    """Write a trajectory into a folder, which is made, and return the page in it.

    `in.lmp` is the best script, with the files that it reads beside it, so that `lmp -in in.lmp` runs there; every
    round's script is in `rounds`; `trajectory.json` holds everything. What lies in `made` already is moved in too.

    Raises UsageError if the folder holds something else already.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} exists already and is not empty: give another folder with --output")
    folder.mkdir(parents=True, exist_ok=True)
    for path in sorted(made.iterdir()) if made else ():
        shutil.move(path, folder / ("inspect.eval" if path.suffix == ".eval" else path.name))
    (folder / "trajectory.json").write_text(trajectory.model_dump_json(indent=1), encoding="utf-8")
    for one in trajectory.rounds:
        (folder / "rounds").mkdir(exist_ok=True)
        name = f"{one.number}.lmp" if one.script is not None else f"{one.number}.txt"
        (folder / "rounds" / name).write_text(one.script or one.completion, "utf-8", "replace")
    if best := trajectory.best:
        (folder / SCRIPT).write_text(best.script or "", "utf-8", "replace")
        for name, content in best.files.items():
            (folder / Path(name).name).write_text(content, "utf-8", "replace")
        for file in potential_files(best.script or ""):
            shutil.copy(file.path, folder / file.name)
    page = folder / "index.html"
    page.write_text(_page(trajectory), "utf-8", "replace")
    return page


def _page(trajectory: Trajectory) -> str:
    loaders = [PackageLoader("mdevalbench.agent", "templates"), PackageLoader("mdevalbench.leaderboard", "templates")]
    environment = Environment(
        loader=ChoiceLoader(loaders), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.globals |= {
        "curve": curve_svg,
        "structure": structure_svg,
        "diff": diff,
        "unit": _unit,
        "most": MOST_DRAWN,
    }
    return environment.get_template("trajectory.html.j2").render(t=trajectory, best=trajectory.best)


def _unit(style: str, name: str) -> str:
    """Unit of a course by its name, for its caption."""
    wanted = {"time": "time", "temperature": "temperature", "pressure": "pressure", "energy": "energy"}
    if name == "volume":
        return f"{style_unit(style, 'length')}^3/atom"
    unit = style_unit(style, wanted[name])  # type: ignore[arg-type]
    return f"{unit}/atom" if name == "energy" else unit
