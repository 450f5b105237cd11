"""Frozen records that cross rooms."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field, field_validator


class Record(BaseModel):
    """A frozen pydantic record; unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Limits(Record):
    """What one run of a script may use."""

    cpu_seconds: float = Field(60.0, gt=0)
    """CPU time of the run; verdicts depend on this one, not on the wall clock."""
    wall_seconds: float | None = Field(None, gt=0)
    """Wall-clock limit; by default 10 times `cpu_seconds` + 30. Expiry without CPU use is a harness fault."""
    memory_bytes: int = Field(2 << 30, gt=0)
    """Address space that the run may add to that of the loaded libraries."""
    folder_bytes: int = Field(256 << 20, gt=0)
    """Sum of the sizes of all files in the job folder (one file may not be larger either)."""
    output_bytes: int = Field(1 << 20, gt=0)
    """How much of the screen output is kept (head and tail)."""
    threads: int = Field(1, ge=1)
    """OpenMP threads, and cores held while the script runs: LAMMPS is started with its `omp` styles if more than 1."""
    ranks: int = Field(1, ge=1)
    """MPI ranks; only 1 is possible, since the flight recorder sees the atoms of one rank."""

    @field_validator("ranks")
    @classmethod
    def _one_rank(cls, ranks: int) -> int:
        if ranks > 1:
            raise ValueError("a script runs on one MPI rank, which is all that is recorded; ask for `threads` instead")
        return ranks

    @property
    def wall(self) -> float:
        """Wall-clock limit in seconds, the default filled in."""
        return self.wall_seconds if self.wall_seconds is not None else 10 * self.cpu_seconds + 30


class Measurement(Record):
    """A physical quantity with its standard uncertainty."""

    value: float
    uncertainty: float = Field(ge=0)
    """Standard uncertainty (one sigma), in `unit`."""
    unit: str
    dof: float | None = None
    """Degrees of freedom of the uncertainty, where it comes from a finite number of blocks or seeds."""
    how: str = ""
    """What was measured, in plain words: estimator, stage of the run, number of samples."""
    natoms: int | None = None
    """Number of atoms of the system that was measured, where size laws need it."""


class Reference(Record):
    """What a right script measures, with the tolerance that follows from its spread."""

    value: float
    uncertainty: float = Field(ge=0)
    tolerance: float = Field(ge=0)
    """Half-width of the accepted interval for this run (or distance to the bound, for an upper bound)."""
    unit: str


class Claim(Record):
    """The value that a script itself reports: `RESULT <observable> = <number> <unit>`."""

    value: float
    unit: str
    derived: bool | None = None
    """True if the claim followed the simulation in a counterfactual world; None if that was not tried."""


class Stage(StrEnum):
    """How far a completion came; each stage includes those above it."""

    NOTHING = "nothing"
    FOUND = "found"
    """a script was found in the completion"""
    ACCEPTED = "accepted"
    """LAMMPS accepted every command up to the first loop"""
    STARTED = "started"
    """a loop that belongs to the task began"""
    EXECUTED = "executed"
    """the script ran to its end without an error"""
    MEASURED = "measured"
    """the evidence held the observable under the task's conditions"""
    PASSED = "passed"
    """the measured value agrees with the reference and the claim with the measured value"""

    @property
    def rank(self) -> int:
        """Position on the ladder, 0 for `nothing`."""
        return list(Stage).index(self)


class Outcome(StrEnum):
    """Whose doing the verdict is. A harness fault is raised as an exception and has no verdict."""

    SCORED = "scored"
    """a value was measured and compared"""
    MODEL_FAULT = "model_fault"
    """the completion gave nothing to measure; `reasons` says why"""


class Components(Record):
    """The rungs of the reward ladder, each in [0, 1]; see scorers/reward.py."""

    found: float = 0.0
    accepted: float = 0.0
    started: float = 0.0
    executed: float = 0.0
    conditions: float = 0.0
    closeness: float = 0.0
    claim: float = 0.0


class ScriptError(Record):
    """Where and why LAMMPS stopped a script."""

    message: str
    """LAMMPS's own words, without source locations."""
    line: int | None = None
    """1-based line of the user's script on which the failing command begins."""
    command: str = ""
    """The failing command as written."""


class Verdict(Record):
    """What the judge says of one completion."""

    task: str
    outcome: Outcome
    stage: Stage
    passed: bool
    reward: float = Field(ge=0, le=1)
    measured: Measurement | None
    reference: Reference
    claim: Claim | None
    setup: bool
    """The measured observable agrees with the reference, under the conditions and potential of the task."""
    analysis: bool
    """The claim agrees with the measured value and was computed from the simulation."""
    reasons: tuple[str, ...]
    """In plain words, most important first; script lines are named where known."""
    components: Components = Components()
    error: ScriptError | None = None
    seconds: float = Field(ge=0)
    """CPU seconds of LAMMPS that the verdict cost."""
