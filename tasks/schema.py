"""The family format: what `family.yml` may say. Every number is in the family's LAMMPS units unless it says otherwise.

Every string (keys too) may hold Jinja2 expressions over the recipe and the
task's parameters (`"{{ temperature }}"`); they are rendered before the values are checked. The section `train:`, from
which light tasks are drawn, is read by `drawing`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from mdevalbench.types import Limits, Record

Number = float | int


class Near(Record):
    """A value and how far from it one may be."""

    value: float
    within: float = Field(gt=0)
    """largest accepted absolute deviation"""


class Select(Record):
    """Which stages of a run an estimator may use."""

    kind: Literal["dynamics", "minimisation", "static", "any"] = "dynamics"
    """`static` stages are minimisations and runs of no steps"""
    ensemble: tuple[Literal["nve", "nvt", "npt", "nph"], ...] = ()
    """accepted ensembles, told from the live fixes; empty for any"""
    temperature: Near | None = None
    """mean temperature of the stage"""
    pressure: Near | None = None
    density: Near | None = None
    """mean number density"""
    min_time: float = 0.0
    """least integrated time, in the task's time unit"""
    role: Literal["last", "longest", "all"] = "last"
    """which of the eligible stages count"""


class Measure(Record):
    """One way to measure the observable; a family lists several in order of preference."""

    estimator: str
    """name of a registered estimator (`mdevalbench.observables`)"""
    select: Select = Select()
    options: dict[str, Any] = {}
    """keyword arguments of the estimator"""


class Record_(Record):
    """What the recorder must keep beyond its standard set."""

    samples: int = 400
    frames: int = 16


class SizeLaw(Record):
    """How the observable depends on the size of the system, value(N) = value(inf) + slope * N**exponent."""

    exponent: float = Field(-1.0, lt=0)
    """-1 for 1/N effects; -1/3 for 1/L effects (Yeh-Hummer)"""
    second_size: dict[str, Any] = Field(min_length=1)
    """recipe keys -> values that make the other system, whose reference gives the slope: {cells: "{{ cells * 2 }}"}"""


class Compare(Record):
    """How a measured value is compared with the reference."""

    kind: Literal["two-sided", "upper-bound"] = "two-sided"
    floor: float = Field(0.0, ge=0)
    """least tolerance, absolute"""
    floor_reason: str = ""
    """why a deviation of this size is no mistake; required where `floor` is given"""
    max_uncertainty: float = Field(gt=0)
    """largest run uncertainty that may widen the tolerance"""
    bound: float | None = None
    """for an upper bound: the value not to be exceeded, as the prompt states it"""
    size_law: SizeLaw | None = None
    claim_tolerance: float | None = None
    """relative deviation of a claim from the measured value that is still agreement; default: the tolerance above"""


class Validity(Record):
    """What must hold for a measured value to count."""

    units: tuple[str, ...]
    """accepted LAMMPS unit styles (values are converted)"""
    atoms: tuple[int, int]
    """least and largest number of atoms"""
    composition: dict[str, float]
    """element -> fraction of the atoms"""
    composition_within: float = 0.01
    max_timestep: float | None = None
    fixes: tuple[str, ...] = ()
    """fix styles that may act beside `nve` and those that only watch; shell patterns such as `nvt*`"""
    periodic: bool = True
    """the box must be periodic in every direction"""
    all_atoms_integrated: bool = True
    """in dynamics, every atom must move"""


class Potential(Record):
    """The prescribed interactions, as the harness itself sets them up for the Hamiltonian check."""

    units: str
    pair_style: str
    pair_coeff: tuple[str, ...]
    """arguments of `pair_coeff`, elements in the order of `elements`"""
    elements: dict[str, float]
    """element -> mass, in the order of the harness's atom types"""
    files: tuple[str, ...] = ()
    """potential files that the prompt names"""
    charges: dict[str, float] = {}
    """element -> charge in e; none for neutral atoms"""
    kspace_style: str = ""
    """long-range solver of the harness with its accuracy (`ewald 1.0e-6`), where the pair style has a long part"""
    bonds: dict[str, float] = {}
    """`O H: 1.2`: atoms of these elements nearer than this are bonded; atoms one or two bonds apart do not interact"""
    within: float = Field(1e-3, gt=0, lt=0.1)
    """largest accepted relative deviation of forces, virials and energy differences from the harness's own; long-range
    solvers of usual accuracy need more than the default"""


class CoeffChange(Record):
    """Numbers of `pair_coeff` that the counterfactual world multiplies."""

    style: str
    factors: dict[int, float]
    """position after the two types (1 is the first number) -> factor"""


class Counterfactual(Record):
    """A world in which the observable moves far enough that only a computed claim follows."""

    length: float = 1.0
    """factor on every length of the potential files"""
    energy: float = 1.0
    """factor on every energy of the potential files"""
    pair_coeff: CoeffChange | None = None
    options: dict[str, Any] = {}
    """estimator options that differ in this world"""


class Published(Record):
    """A value from the literature, shown beside the reference; never used for scoring."""

    value: float
    unit: str
    source: str
    """authors, journal, year, equation or table, DOI"""
    checked: bool
    """whether the value was recomputed or read in the source, rather than remembered"""
    known_error: float = Field(0.0, ge=0)
    """largest deviation of the reference, absolute, that rounding, sampling or method of the source account for"""
    explanation: str = ""
    """why the reference is off by more than that; required where it is"""


class TaskSpec(Record):
    """One instance of a family."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.\-]*$")]
    materials: tuple[str, ...]
    parameters: dict[str, Any]
    level: Literal["L1", "L2", "L3"] | None = None
    """where it is not that of the family: L3 for a task that states the question and the accuracy, not the method"""
    published: Published | None = None


class Mutations(Record):
    """Changes of the reference recipe: recipe keys -> new values (Jinja2 over the task's parameters and recipe)."""

    breaking: dict[str, dict[str, Any]] = {}
    benign: dict[str, dict[str, Any]] = {}


class Study(Record):
    """How the reference depends on one value of its recipe, shown on the family's page; never used for scoring."""

    about: str
    """what is varied, as the axis of a plot says it: `unit cells along an edge`"""
    vary: str
    """a key of the recipe or a parameter"""
    values: tuple[Number, ...] = Field(min_length=3)
    seeds: int = Field(1, ge=1)
    """runs at each value"""
    task: str = ""
    """instance that is varied; the first one by default"""


class FamilySpec(Record):
    """The content of `family.yml`."""

    family: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    version: int = Field(ge=1)
    title: str
    level: Literal["L1", "L2", "L3"]
    observable: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    """name in the `RESULT` line"""
    unit: str
    accepted_units: dict[str, float] = {}
    """further unit spellings of a claim -> factor to `unit`"""
    stochastic: bool
    """whether the observable depends on the random seed"""
    description: str
    limits: Limits
    record: Record_ = Record_()
    potential: Potential
    measure: tuple[Measure, ...] = Field(min_length=1)
    compare: Compare
    validity: Validity
    world: Counterfactual
    files: tuple[str, ...] = ()
    """files that every script finds in its folder, from the family's folder `files/`; the prompt names them"""
    recipe: dict[str, Any]
    """values of the reference template beside the task's parameters (cells, timestep, steps, seed, ...)"""
    mutations: Mutations
    studies: dict[str, Study] = {}
    """convergence in size, time and the like"""
    tasks: tuple[TaskSpec, ...] = Field(min_length=1)
