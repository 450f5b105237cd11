"""The engine: endings, limits, errors at the user's line, cancelling, workers that die."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from mdevalbench.errors import Cancelled, WorkerFault
from mdevalbench.lammps import pool as pool_module
from mdevalbench.lammps._places import Places
from mdevalbench.lammps.job import Ending, Job, World
from mdevalbench.lammps.pool import Pool
from mdevalbench.lammps.selftest import selftest
from mdevalbench.types import Limits

ENDLESS = 'label a\nprint "again"\njump SELF a\n'
ATOMS = """units lj
region box block 0 10 0 10 0 10
create_box 1 box
create_atoms 1 single 5 5 5
mass 1 1.0
pair_style lj/cut 2.5
pair_coeff 1 1 1.0 1.0
"""


def test_the_self_test_of_the_engine_passes(pool: Pool) -> None:
    findings = selftest(pool)
    assert len(findings) == 4
    assert all(finding.ok for finding in findings), findings


@pytest.mark.parametrize(
    ("script", "ending", "exit_code"),
    [
        ("", Ending.COMPLETED, 0),
        ('print "x"\n', Ending.COMPLETED, 0),
        ("quit\n", Ending.QUIT, 0),
        ("quit 3\n", Ending.QUIT, 3),
        ("quit 95\n", Ending.QUIT, 95),
        ("quit 96\n", Ending.QUIT, 96),
        ("quit 97\n", Ending.QUIT, 97),
        ("nonsense\n", Ending.ERROR, 1),
    ],
)
def test_endings_are_those_of_lmp(pool: Pool, script: str, ending: Ending, exit_code: int) -> None:
    run = pool.run(Job(script))
    assert (run.ending, run.exit_code) == (ending, exit_code)


def test_shell_makes_folders_and_starts_no_program(pool: Pool) -> None:
    run = pool.run(Job(f"{ATOMS}shell mkdir out\nwrite_data out/a.data\nread_data out/a.data add append\n"))
    assert (run.ending, run.error) == (Ending.COMPLETED, None)
    run = pool.run(Job('shell rm -f nothing\nshell "mkdir out"\n'))
    assert run.error is not None
    assert (run.error.line, run.error.message) == (2, "The command 'shell' is not allowed in this harness")


@pytest.mark.parametrize("style", ["uloop 3", "universe 1 2"])
def test_variables_of_several_processes_end_the_run_at_once(pool: Pool, style: str) -> None:
    """LAMMPS would wait without an end for a lock file, which the sandbox lets nobody rename."""
    run = pool.run(Job(f"variable x {style}\nlabel loop\nnext x\njump SELF loop\n"))
    assert (run.ending, run.exit_code) == (Ending.ERROR, 1)
    assert run.error is not None
    assert run.error.message == f"The command 'variable {style.split()[0]}' is not allowed in this harness"


@pytest.mark.parametrize(
    ("script", "line", "command", "words"),
    [
        ("units lj\n\n# note\npair_stile lj/cut 2.5\n", 4, "pair_stile lj/cut 2.5", "Unknown command"),
        ("units lj\npair_style &\n  lj/cat &\n  2.5\nrun 0\n", 2, "pair_style &\n  lj/cat &\n  2.5", "lj/cat"),
        (
            "units lj\nvariable i loop 3\nlabel a\nif '$i == 2' then 'bogus $i'\nnext i\njump SELF a\n",
            4,
            "if '$i == 2' then 'bogus $i'",
            "bogus",
        ),
        ('units lj\nprint "${nothing}"\n', 2, 'print "${nothing}"', "nothing"),
        (
            "units lj\nregion r block 0 1 0 1 0 1\ncreate_box 1 r\npair_style eam\npair_coeff * * Cu_u33.eam\n",
            5,
            "pair_coeff * * Cu_u33.eam",
            "Cu_u33.eam",
        ),
    ],
    ids=["command", "continued", "if-in-loop", "variable", "potential"],
)
def test_errors_are_told_at_the_users_line(pool: Pool, script: str, line: int, command: str, words: str) -> None:
    run = pool.run(Job(script))
    assert run.error is not None
    assert (run.error.line, run.error.command) == (line, command)
    assert words in run.error.message
    assert ".cpp" not in run.error.message and not run.error.message.startswith("ERROR")


def test_cpu_limit(pool: Pool) -> None:
    run = pool.run(Job(ENDLESS, Limits(cpu_seconds=0.5)))
    assert run.ending is Ending.CPU_LIMIT
    assert 0.4 < run.cpu_seconds < 2.5


def test_output_is_kept_at_both_ends_and_cut_in_the_middle(pool: Pool) -> None:
    script = (
        'print "first"\nvariable i loop 20000\nlabel a\nprint "filling line $i"\nnext i\njump SELF a\nprint "last"\n'
    )
    run = pool.run(Job(script, Limits(output_bytes=10000)))
    assert run.ending is Ending.COMPLETED
    assert run.output_bytes > 300_000
    assert len(run.output) < 11_000
    assert "first\n" in run.output and run.output.endswith("last\n") and "bytes left out" in run.output


def test_memory_limit(pool: Pool) -> None:
    script = "units lj\nregion b block 0 400 0 400 0 400\nlattice fcc 1.0\ncreate_box 1 b\ncreate_atoms 1 box\n"
    run = pool.run(Job(script, Limits(memory_bytes=64 << 20)))
    assert run.ending is Ending.MEMORY_LIMIT


def test_disk_limit_counts_all_files_together(pool: Pool) -> None:
    script = ATOMS + "variable i loop 100000\nlabel a\nwrite_data d.$i\nwrite_restart r.$i\nnext i\njump SELF a\n"
    run = pool.run(Job(script, Limits(folder_bytes=1 << 20, cpu_seconds=30)))
    assert run.ending is Ending.DISK_LIMIT


def test_files_and_potentials_are_found_and_worlds_replace_them(pool: Pool) -> None:
    job = Job('variable x file words.txt\nprint "got ${x}"\n', files={"words.txt": b"one\ntwo\n"})
    assert "got one" in pool.run(job).output
    shipped = "units metal\nregion b block 0 9 0 9 0 9\ncreate_box 1 b\npair_style sw\npair_coeff * * Si.sw Si\n"
    assert pool.run(Job(shipped)).ending is Ending.COMPLETED
    replaced = pool.run(Job(shipped, world=World(files={"Si.sw": b"# nothing\n"})))
    assert replaced.ending is Ending.ERROR


def test_a_job_leaves_no_folder_behind(pool: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool_module.tempfile, "tempdir", str(tmp_path))
    pool.run(Job('print "x" file made.txt\n'))
    assert not list(tmp_path.iterdir())


def test_many_at_once_come_back_in_order_with_progress(pool: Pool) -> None:
    told: list[tuple[int, int]] = []
    runs = pool.map([Job(f'print "number {i}"\n') for i in range(12)], progress=lambda *p: told.append(p))
    assert [f"number {i}" in run.output for i, run in enumerate(runs)] == [True] * 12
    assert told == [(i, 12) for i in range(1, 13)]


def test_cancelling_ends_the_simulation_and_frees_the_worker() -> None:
    with Pool(1) as single:
        cancel = threading.Event()
        timer = threading.Timer(0.3, cancel.set)
        timer.start()
        with pytest.raises(Cancelled):
            single.run(Job(ENDLESS), cancel)
        assert single.run(Job('print "alive"\n')).ending is Ending.COMPLETED


async def test_cancelling_a_coroutine_ends_its_simulation() -> None:
    with Pool(1) as single:
        task = asyncio.create_task(single.arun(Job(ENDLESS)))
        await asyncio.sleep(0.3)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (await single.arun(Job('print "alive"\n'))).ending is Ending.COMPLETED


def test_a_worker_that_dies_is_replaced_and_its_job_tried_again() -> None:
    with Pool(1) as single:
        single.run(Job(""))
        (worker,) = single._idle
        os.kill(worker.process.pid, signal.SIGKILL)
        worker.process.wait()
        assert single.run(Job('print "again"\n')).ending is Ending.COMPLETED


def test_a_wall_limit_without_cpu_use_is_the_harness_fault_not_the_models() -> None:
    """A stopped child uses no CPU: the run must not be scored."""
    with Pool(1) as single:
        single.run(Job(""))
        (worker,) = single._idle

        def stop_children() -> None:
            for task in Path(f"/proc/{worker.process.pid}/task").iterdir():
                for child in (task / "children").read_text().split():
                    os.kill(int(child), signal.SIGSTOP)

        timer = threading.Timer(0.3, stop_children)
        timer.start()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(pool_module, "ATTEMPTS", 1)
            with pytest.raises(WorkerFault, match="wall time"):
                single.run(Job(ENDLESS, Limits(cpu_seconds=30, wall_seconds=1)))


def test_a_crash_of_lammps_is_the_scripts_doing(pool: Pool) -> None:
    """So many signs before a number that LAMMPS overflows its stack."""
    run = pool.run(Job(f'variable a equal {"-" * 20_000}1\nprint "$(v_a)"\n'))
    assert (run.ending, run.exit_code) == (Ending.CRASHED, 128 + signal.SIGSEGV)
    assert pool.run(Job("")).ending is Ending.COMPLETED


FLUID = """units lj
lattice fcc 0.8442
region box block 0 5 0 5 0 5
create_box 1 box
create_atoms 1 box
mass 1 1.0
velocity all create 1.44 87287
pair_style lj/cut 2.5
pair_coeff 1 1 1.0 1.0 2.5
fix 1 all nve
"""


def test_a_job_of_several_threads_uses_them_and_does_the_same_physics() -> None:
    with Pool(2) as pair:
        one, two = (pair.run(Job(FLUID + "run 50\n", Limits(threads=n))) for n in (1, 2))
    assert ["2 OpenMP threads" in run.output for run in (one, two)] == [False, True]
    assert [fix.style for fix in two.evidence.loops[0].settings.fixes] == ["nve/omp"]
    assert two.evidence.final is not None and one.evidence.final is not None
    assert two.evidence.final.potential_energy == pytest.approx(one.evidence.final.potential_energy, rel=1e-9)


def test_a_script_gets_no_more_threads_than_its_job_holds_cores(pool: Pool) -> None:
    for asked in ("16", "0"):
        run = pool.run(Job(f"package omp {asked}\nsuffix omp\n{FLUID}run 1\n"))
        assert "1 MPI tasks x 1 OpenMP threads" in run.output
    wide = pool.run(Job(FLUID + "run 1\n", Limits(threads=64)))
    assert f"1 MPI tasks x {pool.workers} OpenMP threads" in wide.output


def test_wide_jobs_and_narrow_ones_share_the_places() -> None:
    """Never more places than there are; a wide job is not passed by narrow ones that ask later."""
    places, order, held, most = Places(2), list[str](), [0], [0]
    lock, first_holds = threading.Lock(), threading.Event()

    def work(name: str, count: int, until: threading.Event | None = None) -> None:
        with places.take(count) as got:
            with lock:
                order.append(name)
                held[0] += got
                most[0] = max(most[0], held[0])
            first_holds.set()
            if until is not None:
                until.wait(10)
            with lock:
                held[0] -= got

    release = threading.Event()
    threads = [threading.Thread(target=work, args=("first", 1, release))]
    threads[0].start()
    first_holds.wait(10)
    for number, (name, count) in enumerate((("wide", 2), ("narrow", 1)), 1):
        threads.append(threading.Thread(target=work, args=(name, count)))
        threads[-1].start()
        while len(places._waiting) < number:
            time.sleep(0.001)
    release.set()
    for thread in threads:
        thread.join(10)
    assert order == ["first", "wide", "narrow"]
    assert most[0] == 2


def test_waiting_for_a_place_can_be_cancelled() -> None:
    places, cancel = Places(1), threading.Event()
    cancel.set()
    with places.take(1), pytest.raises(Cancelled), places.take(1, cancel):
        pass
    with places.take(1) as got:
        assert got == 1


def test_several_ranks_are_refused_with_the_reason() -> None:
    with pytest.raises(ValueError, match="one MPI rank"):
        Limits(ranks=2)


def test_a_worker_that_dies_while_it_starts_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its interpreter ends at once: three attempts, each of which gives its memory and sockets back."""
    monkeypatch.setattr(sys, "executable", "/bin/false")
    before = sorted(os.listdir("/proc/self/fd"))
    with Pool(1) as pool, pytest.raises(WorkerFault, match=r"a worker died \(exit code 1\) \(3 attempts\)"):
        pool.run(Job("print 1"))
    gc.collect()
    assert sorted(os.listdir("/proc/self/fd")) == before
