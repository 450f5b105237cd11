"""Observables: from evidence to physical quantities with uncertainties.

`select` says which stages of a run count, `get_estimator(name)` measures a quantity in them, `ensemble` and
`successor_error` tell what kind of dynamics it was. Everything that cannot be measured raises `Unmeasured` with a
reason.
"""

from mdevalbench.observables.cohesion import cohesive_energy, equation_of_state_cohesive_energy
from mdevalbench.observables.compression import bulk_modulus, bulk_modulus_at_rest
from mdevalbench.observables.defects import surface_energy, vacancy_formation_energy
from mdevalbench.observables.dynamics import energy_drift, energy_fluctuation
from mdevalbench.observables.elasticity import elastic_constant, elastic_constant_born
from mdevalbench.observables.energetics import equation_of_state_minimum, relaxed_lattice_constant
from mdevalbench.observables.ensemble import Ensemble, box_is_free, ensemble, only_watches, plain_style
from mdevalbench.observables.estimator import Context, Estimator, Evaluated, ForceField, estimator, get_estimator
from mdevalbench.observables.honesty import max_force, successor_error
from mdevalbench.observables.ionic import lattice_energy_minimum, relaxed_lattice_energy
from mdevalbench.observables.response import (
    heat_capacity_difference,
    heat_capacity_fluctuation,
    thermal_expansion,
    thermal_expansion_scan,
)
from mdevalbench.observables.select import Condition, Near, Selection, conditions, nearest, select, stages
from mdevalbench.observables.statistics import Mean, combine, tolerance
from mdevalbench.observables.structure import rdf_first_peak
from mdevalbench.observables.tension import youngs_modulus_driven, youngs_modulus_stepwise
from mdevalbench.observables.thermodynamics import (
    mean_density,
    mean_potential_energy,
    mean_pressure,
    mean_temperature,
    tail_pressure,
)
from mdevalbench.observables.transport import diffusion_msd, yeh_hummer
from mdevalbench.observables.units import convert, parse_unit, style_unit

__all__ = [
    "Condition",
    "Context",
    "Ensemble",
    "Estimator",
    "Evaluated",
    "ForceField",
    "Mean",
    "Near",
    "Selection",
    "box_is_free",
    "bulk_modulus",
    "bulk_modulus_at_rest",
    "cohesive_energy",
    "combine",
    "conditions",
    "convert",
    "diffusion_msd",
    "elastic_constant",
    "elastic_constant_born",
    "energy_drift",
    "energy_fluctuation",
    "ensemble",
    "equation_of_state_cohesive_energy",
    "equation_of_state_minimum",
    "estimator",
    "get_estimator",
    "heat_capacity_difference",
    "heat_capacity_fluctuation",
    "lattice_energy_minimum",
    "max_force",
    "mean_density",
    "mean_potential_energy",
    "mean_pressure",
    "mean_temperature",
    "nearest",
    "only_watches",
    "parse_unit",
    "plain_style",
    "rdf_first_peak",
    "relaxed_lattice_constant",
    "relaxed_lattice_energy",
    "select",
    "stages",
    "style_unit",
    "successor_error",
    "surface_energy",
    "tail_pressure",
    "thermal_expansion",
    "thermal_expansion_scan",
    "tolerance",
    "vacancy_formation_energy",
    "yeh_hummer",
    "youngs_modulus_driven",
    "youngs_modulus_stepwise",
]
