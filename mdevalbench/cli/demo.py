"""`mdevalbench demo`: the built-in models on a small suite, to see that everything works and what comes out."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import Annotated

import typer

from mdevalbench.cli.faults import FELL_SHORT, HARNESS
from mdevalbench.cli.options import Lammps, warn_of_other_lammps


def demo(
    out: Annotated[Path, typer.Option(help="Folder for logs and reports.")] = Path("demo-results"),
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    lammps: Lammps = None,
) -> None:
    """Evaluate the built-in models on the suite `demo` and compare them.

    The reference solutions must come out at 100 %, the wrong ones at 0 %; the template is a baseline without a neural
    net.

    Exit code 1 if a built-in model does not score what it must, 3 if answers could not be judged.
    """
    from mdevalbench.cli.output import print_json
    from mdevalbench.cli.tables import print_comparison, remarks, summary_json
    from mdevalbench.leaderboard.evaluation import Evaluation
    from mdevalbench.leaderboard.run import evaluate
    from mdevalbench.zoo.provider import BASELINES

    plans = [Evaluation(f"mdevalbench/{name}", suite="demo", log_dir=out) for name in BASELINES]
    warn_of_other_lammps(plans[0].tasks)
    summaries = []
    with contextlib.redirect_stdout(sys.stderr) if as_json else contextlib.nullcontext():
        for plan, does in zip(plans, BASELINES.values(), strict=True):
            typer.echo(f"{plan.model} {does}", err=True)
            summaries.append(evaluate(plan, display="none"))
    if as_json:
        print_json([summary_json(s) | {"report": str(p.report)} for s, p in zip(summaries, plans, strict=True)])
    else:
        print_comparison(summaries)
        for summary in summaries:
            for remark in remarks(summary):
                typer.echo(f"{summary.model}: {remark}")
        typer.echo("\nLook at the reports, in a browser:")
        for plan in plans:
            typer.echo(f"  {plan.model:<22} {plan.report}")
        typer.echo(
            f"\nNext:  inspect view --log-dir {out}   every prompt, answer and score\n"
            "       mdevalbench eval --model mdevalbench/template   the whole suite\n"
            "       mdevalbench eval --help   a model of your own"
        )
    if not all(summary.complete for summary in summaries):
        raise typer.Exit(HARNESS)
    rates = {s.model: at.mean if (at := s.total.pass_at.get(1)) else None for s in summaries}
    if rates["mdevalbench/reference"] != 1 or rates["mdevalbench/wrong"] != 0:
        typer.echo("The reference must pass everywhere and the wrong scripts nowhere: see their reports.", err=True)
        raise typer.Exit(FELL_SHORT)
