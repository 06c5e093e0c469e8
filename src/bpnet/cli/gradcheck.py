"""`bpnet gradcheck RECIPE`."""

from __future__ import annotations

import click

from bpnet.checking import gradient_check
from bpnet.cli.options import chosen_backend, one_line_errors, run_options
from bpnet.recipes import Options, recipe

ROWS = 16


@click.command()
@run_options
@click.option("--elements", type=click.IntRange(min=1), default=200, show_default=True, help="Checked a parameter.")
@click.pass_context
def gradcheck(
    ctx: click.Context,
    recipe_name: str,
    backend: str | None,
    dtype: str | None,
    seed: int,
    sizes: tuple[int, ...] | None,
    data: str | None,
    elements: int,
) -> None:
    """Compare RECIPE's gradients with (L(θ+ε) - L(θ-ε)) / 2ε, in float64, at its first weights. Exit code 1: wrong."""
    with one_line_errors():
        module = recipe(recipe_name)
        on, float_type = chosen_backend(backend, dtype)
        options = Options(on, float_type, seed=seed, sizes=sizes, data=data)
        click.echo(f"{recipe_name} on {on.name}, {on.device}, float64")
        if hasattr(module, "problem"):
            model, x, y = getattr(module, "checked", module.problem)(options)
            report = gradient_check(model, x[:ROWS], y[:ROWS], elements=elements)
            text, ok = str(report), report.ok
        elif recipe_name == "gates":  # a gradient check itself
            outcome = module.run(options)
            text, ok = "\n".join([outcome.text, *map(str, outcome.measured)]), outcome.holds
        else:
            raise ValueError(f"recipe: {recipe_name!r} trains no network, so it has no gradients to check")
    click.echo(text)
    ctx.exit(0 if ok else 1)
