"""`bpnet recipes`."""

from __future__ import annotations

import click

from bpnet.recipes import RECIPES, recipe


@click.command()
def recipes() -> None:
    """List the recipes, each with what it is."""
    width = max(map(len, RECIPES))
    for name in RECIPES:
        click.echo(f"{name:<{width}}  {recipe(name).__doc__.splitlines()[0]}")
