"""The flight recorder against LAMMPS's own output, and against scripts that hide what they do."""

from __future__ import annotations

import numpy as np
import pytest

from mdevalbench.lammps.job import CoeffScale, Ending, Job, Recording, Run, World
from mdevalbench.lammps.pool import Pool
from mdevalbench.types import Limits

THERMO = """thermo_style custom step temp pe ke press pxx pxy
thermo_modify norm no format float %.15g
thermo 1
"""
COPPER = (
    """units metal
lattice fcc 3.615
region box block 0 3 0 3 0 3
create_box 1 box
create_atoms 1 box
pair_style eam
pair_coeff * * Cu_u3.eam
velocity all create 300 4711
"""
    + THERMO
)
FLUID = (
    """units lj
lattice fcc 0.8
region box block 0 5 0 5 0 5
create_box 1 box
create_atoms 1 box
mass 1 1.0
pair_style lj/cut 2.5
pair_coeff 1 1 1.0 1.0
velocity all create 1.0 4711
"""
    + THERMO
)


def printed(run: Run) -> dict[int, list[float]]:
    """Thermo rows by step, as LAMMPS printed them."""
    rows = {}
    for line in run.output.splitlines():
        words = line.split()
        if len(words) == 7 and words[0].isdigit() and words[1] != "=":
            rows[int(words[0])] = [float(word) for word in words[1:]]
    return rows


@pytest.mark.parametrize(
    "script",
    [
        COPPER + "fix 1 all nve\nrun 40\n",
        COPPER + "fix 1 all npt temp 300 300 0.1 iso 0 0 1\nrun 40\n",
        FLUID + "fix 1 all nvt temp 1 1 0.5\nrun 40\n",
        FLUID + "run_style respa 2 2 inner 1 1.0 1.5 outer 2\nfix 1 all nve\nrun 40\n",
        "newton off\n" + FLUID + "fix 1 all nve\nrun 40\n",
        "package omp 1\nsuffix omp\n" + FLUID + "fix 1 all nve\nrun 40\n",
        FLUID + "change_box all triclinic xy final 0.7 remap\nfix 1 all nve\nrun 40\n",
    ],
    ids=["nve", "npt", "nvt", "respa", "newton-off", "omp", "triclinic"],
)
def test_samples_are_what_lammps_prints(pool: Pool, script: str) -> None:
    run = pool.run(Job(script))
    rows = printed(run)
    (segment,) = run.evidence.segments
    samples = segment.samples
    ours = np.column_stack(
        [
            segment.temperature,
            samples.potential_energy,
            samples.kinetic_energy,
            segment.pressure[:, :3].mean(axis=1),
            segment.pressure[:, 0],
            segment.pressure[:, 3],
        ]
    )
    assert len(samples) == 40
    theirs = np.array([rows[step] for step in samples.step])
    assert (np.abs(ours - theirs) <= 1e-9 * np.abs(theirs).max(axis=0)).all()


def test_samples_do_not_need_the_scripts_computes(pool: Pool) -> None:
    """Pressure is tallied on sampled steps though the script redefines what thermo output computes."""
    plain = pool.run(Job(FLUID.replace("thermo 1\n", "thermo 1000\n") + "fix 1 all nve\nrun 30\n"))
    shadowed = (
        "compute zero all temp/partial 0 0 0\nthermo_modify temp zero press thermo_press\nthermo_modify norm yes\n"
    )
    run = pool.run(Job(FLUID.replace("thermo 1\n", "thermo 1000\n") + shadowed + "fix 1 all nve\nrun 30\n"))
    for a, b in zip(plain.evidence.segments, run.evidence.segments, strict=True):
        np.testing.assert_allclose(a.pressure, b.pressure, rtol=1e-12)
        np.testing.assert_allclose(a.temperature, b.temperature, rtol=1e-12)


def test_steps_to_sample_are_drawn_anew_for_every_run(pool: Pool) -> None:
    script = FLUID.replace("thermo 1\n", "thermo 1000\n") + "fix 1 all nve\nrun 500\n"
    steps = [
        tuple(pool.run(Job(script, recording=Recording(samples=20))).evidence.segments[0].samples.step)
        for _ in range(3)
    ]
    assert len(set(steps)) == 3
    assert all(len(set(s)) == 20 and s == tuple(sorted(s)) for s in steps)


@pytest.mark.parametrize(
    "hidden",
    [
        'print "run 3" file gen.in\ninclude gen.in\n',
        "variable c string run\n${c} 3\n",
        'if "1 > 0" then "run 3"\n',
        "partition yes 1 run 3\n",
        'print "run 3" file gen.in\njump gen.in\n',
    ],
    ids=["include", "variable", "if", "partition", "jump"],
)
def test_hidden_runs_are_seen(pool: Pool, hidden: str) -> None:
    evidence = pool.run(Job(FLUID + "fix 1 all nve\n" + hidden)).evidence
    assert [(loop.kind, loop.requested, loop.steps) for loop in evidence.loops] == [("verlet", 3, 3)]


def test_steps_and_time_are_counted_not_believed(pool: Pool) -> None:
    """`reset_timestep`, a variable timestep and a run that stops early do not change what was integrated."""
    script = FLUID + "fix 1 all nve\nrun 20 every 10 'reset_timestep 0'\n"
    loops = pool.run(Job(script)).evidence.loops
    assert [loop.steps for loop in loops] == [10, 10]
    assert sum(loop.duration for loop in loops) == pytest.approx(20 * 0.005)

    (loop,) = pool.run(Job(FLUID + "fix 1 all nve\nfix d all dt/reset 5 1e-5 0.005 0.002\nrun 50\n")).evidence.loops
    assert loop.dt_min < loop.dt_max <= 0.005
    assert loop.dt_min * 50 < loop.duration < loop.dt_max * 50

    halt = "fix 1 all nve\nvariable s equal step\nfix h all halt 1 v_s >= 7 error continue\nrun 1000000\n"
    (loop,) = pool.run(Job(FLUID + halt)).evidence.loops
    assert (loop.requested, loop.steps) == (1000000, 7)


@pytest.mark.parametrize(
    ("edit", "attribute"),
    [
        ("displace_atoms all move 0.3 0 0\n", "displaced"),
        ("velocity all scale 0.5\n", "velocity"),
        ("set atom 1 x 0.1\n", "displaced"),
        ("change_box all x scale 1.01 remap\n", "cell"),
        ("mass 1 2.0\n", "masses"),
        ("delete_atoms group one\n", "natoms"),
        ("undump d\nread_dump d 0 x y z\n", "displaced"),
        ("write_restart r\nclear\nread_restart r\nfix 1 all nve\n", "rebuilt"),
    ],
)
def test_an_edit_between_loops_begins_a_new_leg(pool: Pool, edit: str, attribute: str) -> None:
    script = FLUID + "group one id 1\ndump d all custom 100 d id type x y z\nfix 1 all nve\nrun 5\n" + edit + "run 5\n"
    evidence = pool.run(Job(script)).evidence
    assert len(evidence.loops) == 2
    edited = evidence.loops[1].edit
    assert edited.any
    assert getattr(edited, attribute)
    assert len(list(evidence.legs())) == 2


def test_untouched_loops_form_one_leg(pool: Pool) -> None:
    """Output, computes and another fix in between do not cut a leg; image flags are not a state."""
    between = "compute m all msd\nset group all image 3 NULL NULL\nthermo 7\nunfix 1\nfix 1 all nvt temp 1 1 1\n"
    evidence = pool.run(Job(FLUID + "fix 1 all nve\nrun 5\n" + between + "run 5\nrun 5 pre no\n")).evidence
    assert len(list(evidence.legs())) == 1
    assert [segment.steps for segment in evidence.segments] == [5, 10]


def test_successive_states_obey_velocity_verlet(pool: Pool) -> None:
    (loop,) = pool.run(Job(FLUID + "fix 1 all nve\nrun 100\n")).evidence.loops
    pairs = [(frame, frame.successor) for frame in loop.frames if frame.successor is not None]
    assert len(pairs) == 2
    for frame, after in pairs:
        moved = frame.cell.minimum_image(after.positions - frame.positions)
        expected = frame.dt * (frame.velocities + 0.5 * frame.dt * frame.forces / frame.masses[:, None])
        np.testing.assert_allclose(moved, expected, atol=1e-12)


def test_forces_are_those_of_the_interactions(pool: Pool) -> None:
    """A thermostat that adds forces is told apart; forces of interactions sum to zero."""
    (loop,) = pool.run(Job(FLUID + "fix 1 all nve\nfix 2 all langevin 1 1 0.1 4711\nrun 50\n")).evidence.loops
    frame = loop.frames[len(loop.frames) // 2]
    assert frame.forces_clean and frame.applied is not None
    assert np.abs(frame.forces.sum(axis=0)).max() < 1e-9
    assert np.abs(frame.applied).mean() > 1.0


def test_group_coverage_and_frozen_atoms(pool: Pool) -> None:
    script = (
        FLUID + "region low block INF INF INF INF INF 1.1\ngroup frozen region low\ngroup mobile subtract all frozen\n"
    )
    (loop,) = pool.run(Job(script + "velocity frozen set 0 0 0\nfix 1 mobile nve\nrun 10\n")).evidence.loops
    (fix,) = loop.settings.fixes
    assert (fix.style, fix.integrates, fix.atoms) == ("nve", True, 350)
    assert loop.samples.integrated[0] == 350 and loop.samples.natoms[0] == 500
    assert loop.frames[0].integrated.sum() == 350


def test_pair_coefficients_can_be_multiplied_on_their_way_in(pool: Pool) -> None:
    world = World(pair_coeff=(CoeffScale("lj/cut", ((1, 2.0),)),))
    script = FLUID + "variable e equal 1.0\npair_coeff * * ${e} 1.0\nrun 0\n"
    plain, doubled = (
        pool.run(Job(script, world=w)).evidence.loops[0].samples.potential_energy[0] for w in (World(), world)
    )
    assert doubled == pytest.approx(2 * plain, rel=1e-12)
    hybrid = script.replace("pair_style lj/cut 2.5", "pair_style hybrid lj/cut 2.5").replace(
        "* * ${e}", "* * lj/cut ${e}"
    )
    hybrid = hybrid.replace("pair_coeff 1 1 1.0", "pair_coeff 1 1 lj/cut 1.0")
    assert pool.run(Job(hybrid, world=world)).evidence.loops[0].samples.potential_energy[0] == pytest.approx(2 * plain)


def test_thousands_of_loops_fit(pool: Pool) -> None:
    evidence = pool.run(
        Job(FLUID.replace("thermo 1\n", "thermo 1000\n") + "fix 1 all nve\nrun 3000 every 1 NULL\nrun 500\n")
    ).evidence
    assert len(evidence.loops) == 3001
    assert not evidence.dropped_loops
    assert sum(len(loop.samples) for loop in evidence.loops[:3000]) > 2000
    assert len(evidence.loops[-1].samples) > 50
    assert len(evidence.loops[-1].frames) >= 4


def test_what_does_not_fit_is_counted(pool: Pool) -> None:
    tight = Recording(budget_bytes=1 << 18)
    evidence = pool.run(Job(FLUID + "fix 1 all nve\nrun 50\n", recording=tight)).evidence
    assert sum(len(loop.frames) for loop in evidence.loops) <= 4
    assert evidence.final is not None and evidence.final.natoms == 500


def test_a_killed_run_leaves_its_evidence(pool: Pool) -> None:
    run = pool.run(
        Job(
            FLUID.replace("thermo 1\n", "thermo 1000\n") + "fix 1 all nve\nrun 100000000\n",
            limits=Limits(cpu_seconds=1),
        )
    )
    (loop,) = run.evidence.loops
    assert run.ending is Ending.CPU_LIMIT
    assert loop.steps > 100 and not loop.completed


def test_atoms_may_be_moved_far_between_loops(pool: Pool) -> None:
    """LAMMPS's own minimum image would stop the run; the script did nothing wrong."""
    far = "displace_atoms all move 171 -95.5 333 units box\n"
    run = pool.run(Job(f"{FLUID}fix 1 all nve\nrun 1\n{far}run 1\n"))
    assert run.ending is Ending.COMPLETED, run.error
    first, second = run.evidence.loops
    edge = first.frames[0].cell.vectors[0, 0]
    moved = [distance - edge * round(distance / edge) for distance in (171, -95.5, 333)]
    assert second.edit.displaced == pytest.approx(max(map(abs, moved)), rel=1e-9)
