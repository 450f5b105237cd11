"""An honest baseline without a neural net: a generic LAMMPS script, chosen and filled by the words of the prompt.

It knows four recipes (relax a crystal, average a thermodynamic quantity, conserve energy, diffuse) and a few regular
expressions. It never sees a task, a reference or a reward; what it scores is what general habits and the numbers in the
prompt are worth.
"""

from __future__ import annotations

import re

from jinja2 import Environment, PackageLoader, StrictUndefined

from mdevalbench.zoo.template.request import Request, read_request

__all__ = ["Request", "read_request", "write_script"]

_QUANTITIES = (
    (r"pressure|\bpress\b", "press"),
    (r"cohesive|energy|\bpe\b", "pe/atoms"),
    (r"temperature|\btemp\b", "temp"),
    (r"mass.density|g/cm", "density"),
    (r"number.density|density", "atoms/vol"),
    (r"volume", "vol/atoms"),
    (r"lattice|spacing", "lx/{cells}"),
)
"""words of the observable's name -> thermo expression; the first that fits"""
_FACTORS = {
    "diffusion": {"cm^2/s": "*1.0e-4", "cm2/s": "*1.0e-4", "m^2/s": "*1.0e-8", "m2/s": "*1.0e-8", "nm^2/ns": "*10.0"},
    "average": {"gpa": "*1.0e-4", "mpa": "*0.1", "atm": "/1.01325", "mev": "*1000.0", "mev/atom": "*1000.0"},
    "conservation": {"mev": "*1000.0", "mev/atom": "*1000.0"},
    "minimise": {"nm": "*0.1", "gpa": "*1.0e-4"},
}
"""from LAMMPS metal units to the unit of the answer"""


def write_script(prompt: str) -> str:
    """A LAMMPS input script for any prompt, by the words in it."""
    request = read_request(prompt)
    factor = "" if request.reduced else _FACTORS[request.recipe].get(request.unit.lower(), "")
    environment = Environment(
        loader=PackageLoader("mdevalbench.zoo.template", "recipes"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(f"{request.recipe}.lmp.j2").render(
        r=request,
        quantity=_quantity(request) + factor,
        factor=factor,
        rdf=bool(re.search(r"rdf|g_?max|radial|peak", request.observable, re.IGNORECASE)),
        start=2 * request.temperature if request.recipe != "diffusion" else 1.5 * request.temperature,
    )


def _quantity(request: Request) -> str:
    for pattern, expression in _QUANTITIES:
        if re.search(pattern, request.observable.replace("_", " "), re.IGNORECASE):
            return expression.format(cells=request.cells)
    return f"lx/{request.cells}" if request.recipe == "minimise" else "pe/atoms"
