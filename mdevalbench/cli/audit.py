"""`mdevalbench audit`: attack the harness and show that it holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from mdevalbench.cli import completion
from mdevalbench.cli.faults import FELL_SHORT
from mdevalbench.cli.options import Lammps
from mdevalbench.cli.output import print_json, progress

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mdevalbench.audit import Finding


def audit(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME...", help="Attacks to try; all by default.", autocompletion=completion.attacks),
    ] = None,
    group: Annotated[
        Literal["escape", "cheat"] | None,
        typer.Option("--group", "-g", help="Only escapes from the sandbox, or only cheats for a reward."),
    ] = None,
    all_tasks: Annotated[
        bool, typer.Option("--all-tasks", help="Try cheats on every task, not on one light task of each family.")
    ] = False,
    jobs: Annotated[int | None, typer.Option("--jobs", "-j", min=1, help="Scripts at once; one per CPU.")] = None,
    list_only: Annotated[bool, typer.Option("--list", help="Tell what would be tried, and try nothing.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    lammps: Lammps = None,
) -> None:
    """Attack the harness: hostile scripts that want out of the sandbox, and cheats that want a reward for nothing.

    Escapes run twice: once with the refusal of forbidden commands lifted, so that only the walls stand, and once before
    the judge. What they did is looked up from outside: files, processes, sockets, shared memory.

    Examples: `mdevalbench audit`, `mdevalbench audit --group escape`, `mdevalbench audit shell_program fix_imd`,
    `mdevalbench audit --list`

    Exit code 0: every attack came to nothing. 1: one got somewhere. 2: wrong usage. 3: the harness does not work here.
    """
    from mdevalbench.audit import audit as try_attacks
    from mdevalbench.audit import choose

    chosen = choose(group, names or ())
    if list_only:
        width = max(len(attack.name) for attack in chosen)
        for attack in chosen:
            typer.echo(f"{attack.group:6s}  {attack.name:{width}s}  {attack.about}")
        return
    from mdevalbench.lammps.pool import Pool

    with Pool(jobs) as pool, progress("attacking") as advance:
        findings = try_attacks(pool, group, names or (), advance, all_tasks)
    if json:
        print_json([finding.as_json() for finding in findings])
    else:
        _print(findings)
    if not all(finding.ok for finding in findings):
        raise typer.Exit(FELL_SHORT)


def _print(findings: Sequence[Finding]) -> None:
    """One line each; those that got somewhere are told once more in full at the end."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    table = Table(box=None, header_style="bold", pad_edge=False, expand=True)
    for heading in ("attack", "contained", "passed"):
        table.add_column(heading, no_wrap=True)
    table.add_column("reward", no_wrap=True, justify="right")
    table.add_column("reason", no_wrap=True, ratio=1)
    task_before = ""
    for finding in findings:
        name, _, task = finding.attack.partition(" @ ")
        if task != task_before:
            table.add_row(Text(task, style="dim"))
        task_before = task
        contained, passed = "yes" if finding.contained else "NO", "YES" if finding.passed else "no"
        reason = Text(" ".join(finding.reason.split()))
        table.add_row(name, contained, passed, f"{finding.reward:.2f}", reason, style="" if finding.ok else "bold red")
    console.print(table)
    for finding in findings:
        if not finding.ok:
            console.print(f"\n{finding.attack}", style="bold red", markup=False)
            console.print(finding.reason, markup=False)
    held = sum(finding.ok for finding in findings)
    style = "bold green" if held == len(findings) else "bold red"
    console.print(f"\n{held} of {len(findings)} attacks came to nothing", style=style)
