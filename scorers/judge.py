"""The one judge: a task and a model's completion in, a verdict out.

Benchmark, reward, agent and leaderboard all call `Judge.judge`; nothing else scores a LAMMPS script. It imports no
evaluation or training framework. The script is run as written in a sandbox; the observable is measured by the harness
from recorded evidence; what the script prints is only its claim, and counts as analysis if it agrees with the measured
value and follows it in a counterfactual world.

Failure policy: whatever a completion does ends in a `Verdict`. `HarnessFault` is raised, never scored.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import copysign, isfinite, log10

from mdevalbench.errors import Unmeasured
from mdevalbench.extract import Extraction, extract
from mdevalbench.lammps.executor import Executor, in_thread
from mdevalbench.lammps.job import Ending, Job, Recording, Run, World
from mdevalbench.observables.statistics import tolerance
from mdevalbench.scorers.assess import Assessment, assess
from mdevalbench.scorers.cache import VerdictCache
from mdevalbench.scorers.claim import NoClaim, find_claim
from mdevalbench.scorers.reward import closeness, reward
from mdevalbench.scorers.worlds import counterfactual_world
from mdevalbench.tasks.loading import Task, reference_value
from mdevalbench.types import Claim, Components, Measurement, Outcome, Reference, Stage, Verdict

_ENDINGS = {
    Ending.CPU_LIMIT: "the run was stopped at its limit of {limits.cpu_seconds:g} CPU seconds",
    Ending.MEMORY_LIMIT: "the run needed more than its {limits.memory_bytes} bytes of memory",
    Ending.DISK_LIMIT: "the run wrote more than its {limits.folder_bytes} bytes of files",
    Ending.CRASHED: "LAMMPS crashed under this script (exit code {run.exit_code})",
}


@dataclass
class _Case:
    """One completion on its way to a verdict."""

    task: Task
    extraction: Extraction
    reference: Reference
    run: Run | None = None
    assessment: Assessment = field(default_factory=Assessment)
    claim: Claim | None = None
    setup: bool = False
    analysis: bool = False
    cpu_seconds: float = 0.0
    timed_out: bool = False
    reasons: list[str] = field(default_factory=list)


class Judge:
    """Scores completions on a pool of workers; thread-safe, so that threads keep several workers busy.

    Args:
        pool: where scripts run.
        cache: verdicts by content; None to judge everything afresh. Runs that hit the CPU limit are never cached.
    """

    def __init__(self, pool: Executor, cache: VerdictCache | None = None) -> None:
        self.pool, self.cache = pool, cache

    def judge(self, task: Task, completion: str, cancel: threading.Event | None = None) -> Verdict:
        """The verdict on one completion.

        Raises:
            HarnessFault: the harness failed, after retries; there is no verdict.
            TaskError: the task has no reference value.
            Cancelled: `cancel` was set meanwhile.
        """
        extraction = extract(completion)
        key = self.cache.key(task, extraction) if self.cache is not None else ""
        cached = self.cache.get(key) if self.cache is not None else None
        if cached is not None:
            return cached
        case = _Case(task, extraction, _reference(task, None))
        if extraction.script is None:
            case.reasons.append(f"no script was found in the answer: {extraction.how}")
            return _verdict(case)
        self._simulate(case, cancel)
        if case.setup and case.claim is not None and _ended_well(case):
            self._confirm_claim(case, cancel)
        verdict = _verdict(case)
        if self.cache is not None and not case.timed_out:
            self.cache.put(key, verdict)
        return verdict

    async def ajudge(self, task: Task, completion: str) -> Verdict:
        """`judge` for coroutines; cancelling the coroutine ends its simulation."""
        return await in_thread(lambda cancel: self.judge(task, completion, cancel))

    def measure(self, task: Task, script: str, cancel: threading.Event | None = None) -> Measurement:
        """Run a script and measure the task's observable, without comparing it to anything; used to make references.

        Raises:
            Unmeasured: the script stopped with an error, or what it simulated is not what the task asks for.
        """
        run = self.pool.run(_job(task, script, {}), cancel)
        assessment = assess(self.pool, task.spec, run)
        reasons = [*_why_it_ended(task, run), *assessment.reasons]
        if assessment.measured is None or reasons:
            raise Unmeasured("; ".join(reasons) or "nothing was measured")
        return assessment.measured

    def _run(self, case: _Case, world: World, cancel: threading.Event | None) -> Run:
        run = self.pool.run(_job(case.task, case.extraction.script or "", case.extraction.files, world), cancel)
        case.cpu_seconds += run.cpu_seconds
        case.timed_out = case.timed_out or run.ending is Ending.CPU_LIMIT
        return run

    def _simulate(self, case: _Case, cancel: threading.Event | None) -> None:
        """Run, measure, compare; fills the case up to `setup` and `claim`."""
        task = case.task
        run = case.run = self._run(case, World(), cancel)
        case.assessment = assess(self.pool, task.spec, run)
        measured = case.assessment.measured
        case.reference = _reference(task, measured)
        case.reasons += _why_it_ended(task, run) + case.assessment.reasons
        if measured is not None:
            agrees = _deviation(case) <= case.reference.tolerance
            case.setup = agrees and case.assessment.valid
            if not agrees:
                case.reasons.append(_disagreement(case, measured))
        try:
            case.claim = find_claim(run.output, task.observable, task.unit, task.spec.accepted_units)
        except NoClaim as reason:
            case.reasons.append(str(reason))
            return
        if measured is not None and abs(case.claim.value - measured.value) > _claim_tolerance(case, measured):
            case.reasons.append(
                f"the claim {case.claim.value:.6g} {task.unit} does not agree with what the run measured: "
                f"{_spoken(measured)}{_in_another_unit(case.claim.value, measured.value)}"
            )

    def _confirm_claim(self, case: _Case, cancel: threading.Event | None) -> None:
        """Run the script in a counterfactual world: its claim must follow the value measured there."""
        task, measured, claim = case.task, case.assessment.measured, case.claim
        if measured is None or claim is None or abs(claim.value - measured.value) > _claim_tolerance(case, measured):
            return
        world = counterfactual_world(task.spec.world, task.spec.potential)
        run = self._run(case, world, cancel)
        why = _why_not_followed(case, run, assess(self.pool, task.spec, run, world))
        case.claim = claim.model_copy(update={"derived": why is None})
        case.analysis = why is None
        if why is not None:
            case.reasons.append(why)


def _job(task: Task, script: str, files: Mapping[str, str], world: World | None = None) -> Job:
    record = Recording(samples=task.spec.record.samples, frames=task.spec.record.frames)
    content = {name: text.encode(errors="replace") for name, text in files.items()} | task.files
    return Job(script, task.spec.limits, record, content, world or World())


def _reference(task: Task, measured: Measurement | None) -> Reference:
    """Reference value and tolerance for a run of this size and uncertainty."""
    stored, compare = reference_value(task), task.spec.compare
    natoms = measured.natoms if measured is not None and measured.natoms else stored.natoms
    value, uncertainty = stored.at(natoms, compare.size_law)
    if compare.kind == "upper-bound":
        bound = compare.bound if compare.bound is not None else value
        return Reference(value=value, uncertainty=uncertainty, tolerance=max(bound - value, 0.0), unit=task.unit)
    run_uncertainty, run_dof = (measured.uncertainty, measured.dof) if measured is not None else (0.0, None)
    inf = float("inf")
    allowed = tolerance(
        uncertainty, stored.dof or inf, run_uncertainty, run_dof or inf, compare.max_uncertainty, floor=compare.floor
    )
    return Reference(value=value, uncertainty=uncertainty, tolerance=allowed, unit=task.unit)


def _deviation(case: _Case) -> float:
    """Distance from the reference; for an upper bound only the way up counts."""
    if case.assessment.measured is None:
        return float("inf")
    above = case.assessment.measured.value - case.reference.value
    return max(above, 0.0) if case.task.spec.compare.kind == "upper-bound" else abs(above)


def _disagreement(case: _Case, measured: Measurement) -> str:
    r, spec = case.reference, case.task.spec
    found = f"measured {_spoken(measured)}"
    if spec.compare.kind == "upper-bound":
        return f"{spec.observable}: {found}, which is above the bound of {r.value + r.tolerance:.6g} {r.unit}"
    return f"{spec.observable}: {found}, which is off by {_deviation(case):.3g} where {r.tolerance:.2g} is allowed"


def _spoken(measured: Measurement) -> str:
    """A value with its uncertainty, if that is more than rounding."""
    error = measured.uncertainty
    return f"{measured.value:.6g}{f' +- {error:.2g}' if error > 1e-7 * abs(measured.value) else ''} {measured.unit}"


def _in_another_unit(claim: float, measured: float) -> str:
    """A remark where a claim is the measured value times a power of ten, or its negative, to within two percent."""
    ratio = claim / measured if measured else 0.0
    if ratio == 0 or not isfinite(ratio):
        return ""
    factor = copysign(10.0 ** round(log10(abs(ratio))), ratio)
    if abs(ratio / factor - 1) > 0.02:
        return ""
    return "" if factor == 1 else " (of the other sign)" if factor == -1 else f" (about {factor:g} times that: a unit?)"


def _claim_tolerance(case: _Case, measured: Measurement) -> float:
    relative = case.task.spec.compare.claim_tolerance
    return abs(measured.value) * relative if relative is not None else case.reference.tolerance


def _why_not_followed(case: _Case, run: Run, there: Assessment) -> str | None:
    """Why a claim cannot count as computed from the simulation; None if it followed it into the other world."""
    task, here = case.task, case.assessment.measured
    if here is None or there.measured is None or not there.valid:  # its simulation must be a right one there, too
        why = "; ".join(_why_it_ended(task, run) + there.reasons)
        return f"the claim could not be confirmed with other interactions behind the same names: {why}"
    allowed = _claim_tolerance(case, there.measured)
    if abs(there.measured.value - here.value) <= 2 * allowed:
        return (
            "the claim could not be confirmed: other numbers in the prescribed potential left the "
            "simulation unchanged, so that it does not take them from there"
        )
    try:
        claim = find_claim(run.output, task.observable, task.unit, task.spec.accepted_units)
    except NoClaim as reason:
        return f"the claim could not be confirmed with other interactions behind the same names: {reason}"
    if abs(claim.value - there.measured.value) > allowed:
        return (
            "the claim does not follow from the simulation: with other interactions behind the same names the run "
            f"measured {there.measured.value:.6g} {task.unit}, but the script reported {claim.value:.6g}"
        )
    return None


def _ended_well(case: _Case) -> bool:
    return case.run is not None and case.run.exit_code == 0 and case.run.ending in (Ending.COMPLETED, Ending.QUIT)


def _why_it_ended(task: Task, run: Run) -> list[str]:
    if run.ending in _ENDINGS:
        return [_ENDINGS[run.ending].format(limits=task.spec.limits, run=run)]
    if run.ending is Ending.ERROR and run.error is not None:
        where = f"line {run.error.line}, `{run.error.command}`: " if run.error.line else ""
        return [f"LAMMPS stopped with an error: {where}{run.error.message}"]
    if run.exit_code != 0:
        return [f"the script ended itself with exit code {run.exit_code}"]
    return []


def _stage(case: _Case, passed: bool) -> Stage:
    if passed:
        return Stage.PASSED
    if case.extraction.script is None or case.run is None:
        return Stage.NOTHING
    executed = _ended_well(case)
    if case.assessment.started:
        if executed:
            return Stage.MEASURED if case.assessment.valid else Stage.EXECUTED
        return Stage.STARTED
    return Stage.ACCEPTED if executed or case.run.evidence.loops else Stage.FOUND


def _verdict(case: _Case) -> Verdict:
    assessment = case.assessment
    passed = case.setup and case.analysis and _ended_well(case)
    stage = _stage(case, passed)
    components = Components(
        found=float(stage.rank >= Stage.FOUND.rank),
        accepted=float(stage.rank >= Stage.ACCEPTED.rank),
        started=float(stage.rank >= Stage.STARTED.rank),
        executed=assessment.executed if assessment.started else 0.0,
        conditions=assessment.conditions,
        closeness=closeness(_deviation(case), case.reference.tolerance) if assessment.measured is not None else 0.0,
        claim=float(case.analysis),
    )
    return Verdict(
        task=case.task.id,
        outcome=Outcome.SCORED if assessment.measured is not None else Outcome.MODEL_FAULT,
        stage=stage,
        passed=passed,
        reward=reward(components, passed),
        measured=assessment.measured,
        reference=case.reference,
        claim=case.claim,
        setup=case.setup,
        analysis=case.analysis,
        reasons=tuple(case.reasons),
        components=components,
        error=case.run.error if case.run is not None else None,
        seconds=case.cpu_seconds,
    )
