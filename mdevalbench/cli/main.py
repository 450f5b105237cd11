"""`mdevalbench`: the command line. Every command imports what it needs when it runs, so that help comes at once."""

from __future__ import annotations

from typing import Annotated

import typer

from mdevalbench import __version__
from mdevalbench.cli import (
    agent,
    audit,
    check,
    compare,
    demo,
    doctor,
    draw,
    evaluate,
    export,
    gallery,
    leaderboard,
    models,
    new,
    question_commands,
    score,
    serve,
    tasks,
    train,
    verify,
)
from mdevalbench.cli.faults import guarded

app = typer.Typer(
    name="mdevalbench",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 passed or done, 1 the script or model fell short, 2 wrong usage, 3 the harness failed.",
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"mdevalbench {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Measure how well language models do molecular dynamics with LAMMPS.

    First steps: `mdevalbench doctor`, `mdevalbench demo`, `mdevalbench tasks list`,
    `mdevalbench tasks show lattice_constant/cu-mishin` and `mdevalbench score lattice_constant/cu-mishin answer.md`.
    """


app.command("eval")(guarded(evaluate.evaluate))
app.command("demo")(guarded(demo.demo))
app.command("agent")(guarded(agent.agent))
app.command("models")(guarded(models.models))
app.command("compare")(guarded(compare.compare))
app.command("score")(guarded(score.score))
app.command("check")(guarded(check.check))
app.command("audit")(guarded(audit.audit))
app.command("doctor")(guarded(doctor.doctor))
tasks.app.command("draw")(guarded(draw.draw))
tasks.app.command("export")(guarded(export.export))
tasks.app.command("new")(guarded(new.new))
tasks.app.command("verify")(guarded(verify.verify))
tasks.app.command("statistics")(guarded(verify.statistics))
tasks.app.command("study")(guarded(verify.study))
tasks.app.command("agreement")(guarded(question_commands.agreement))
tasks.app.command("lm-eval")(guarded(question_commands.lm_eval))
tasks.app.command("gallery")(guarded(gallery.gallery))
serve.app.command("reward")(guarded(serve.reward))
serve.app.command("mcp")(guarded(serve.mcp))
app.add_typer(tasks.app, name="tasks")
for stage in (train.cpt, train.sft, train.grpo, train.recipes, train.rollouts):
    train.app.command(stage.__name__)(guarded(stage))
for command in (leaderboard.add, leaderboard.verify, leaderboard.build):
    leaderboard.app.command(command.__name__)(guarded(command))
app.add_typer(leaderboard.app, name="leaderboard")
app.add_typer(train.app, name="train")
app.add_typer(serve.app, name="serve")
