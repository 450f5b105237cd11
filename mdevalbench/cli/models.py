"""`mdevalbench models`: which models are known, and which can be asked here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from mdevalbench.cli import completion
from mdevalbench.cli.options import CardsDir
from mdevalbench.cli.output import print_json

if TYPE_CHECKING:
    from mdevalbench.zoo.cards import Card


def models(
    name: Annotated[
        str | None,
        typer.Argument(help="A card, to see all of it.", show_default=False, autocompletion=completion.cards),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    cards_dir: CardsDir = None,
) -> None:
    """Models with a card: what they are, and which can be asked on this machine or why not.

    Each is evaluated by the name of its card: `mdevalbench eval --model gpt-5`. Any other model that Inspect knows is
    given as provider/model and needs no card.

    Examples: `mdevalbench models`, `mdevalbench models qwen3-8b`, `mdevalbench models --cards-dir my-cards`
    """
    from mdevalbench.zoo.cards import card, cards

    if name is not None:
        _show(name, card(name), as_json)
        return
    known = cards()
    if as_json:
        print_json({name: _facts(card) for name, card in known.items()})
        return
    _list(known)


def _list(known: dict[str, Card]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from mdevalbench.zoo.readiness import why_not

    table = Table(box=None, pad_edge=False, collapse_padding=True)
    table.add_column("card", no_wrap=True)
    for column in ("size", "access"):
        table.add_column(column, no_wrap=True)
    table.add_column("here?")
    ready = 0
    for name, card in known.items():
        missing = why_not(card)
        ready += missing is None
        style = "" if missing is None else "dim"
        table.add_row(name, card.size, card.access, escape(missing or "yes"), style=style)
    console = Console(highlight=False)
    console.print(table)
    console.print(
        f"\n{len(known)} cards; {ready} of these models can be asked here. Another: a server of OpenAI's form with "
        "`--model openai-api/local/NAME --base-url http://host:port/v1`, weights with `hf/ORG/NAME`, `vllm/ORG/NAME` "
        "or `ollama/NAME`.",
        style="dim",
        markup=False,
    )


def _show(name: str, card: Card, as_json: bool) -> None:
    facts = _facts(card)
    if as_json:
        print_json({"card": name, **facts})
        return
    typer.secho(f"{card.name}  ({name})", bold=True)
    missing = facts.pop("missing")
    rows = {
        "developer": card.developer,
        "family": card.family,
        "size": card.size,
        "released": card.released,
        "access": f"{card.access}, {card.licence}",
        "context": f"{card.context} tokens" if card.context else None,
        "Inspect": card.inspect,
        "lm-eval": card.lm_eval,
        "settings": ", ".join(f"{key} {value}" for key, value in card.generation if value is not None),
        "price": _price(card),
        "notes": card.notes,
    }
    for key, value in rows.items():
        if value:
            typer.echo(f"{key:10s} {value}")
    for what, address in card.links.items():
        typer.echo(f"{what:10s} {address}")
    for one in card.reported:
        setting = f" ({one.setting})" if one.setting else ""
        typer.echo(f"reported   {one.suite}, {one.metric}{setting}: {one.value:g} {one.unit}; {one.source}")
    typer.echo(f"here       {missing or f'mdevalbench eval --model {name}'}")


def _price(card: Card) -> str | None:
    price = card.price
    if price is None:
        return None
    return f"${price.input:g} read, ${price.output:g} written per million tokens on {price.date} ({price.source})"


def _facts(card: Card) -> dict[str, Any]:
    from mdevalbench.zoo.readiness import why_not

    return card.model_dump(mode="json") | {"size": card.size, "missing": why_not(card)}
