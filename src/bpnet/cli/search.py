"""`bpnet search`: many networks at once with settings drawn at random, and the best of them."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Any

import click

from bpnet.cli.folders import require_drawing, writable_folder
from bpnet.cli.options import FAILED, chosen_backend, one_line_errors
from bpnet.cli.ranks import require_one_process
from bpnet.cli.search_files import MODEL, require_unused, write_files
from bpnet.cli.search_options import RECIPE_ONLY, TABLE_ONLY, Asked, search_options
from bpnet.cli.table_options import is_table, refuse
from bpnet.ensembles.telling import BEST, best_table, settings_text, summary
from bpnet.recipes import recipe

TEXT = """
\b
A RANGE is LOW:HIGH, some choices A,B,C, or one value.
Options of a search on DATA (.csv .csv.gz .tsv .parquet .npz .npy):
  --target --task --hidden --activation --optimizer --batch-norm --test
  --class-weight
Options of a search on a RECIPE (bpnet recipes lists them):
  --data
"""


@click.command(epilog=TEXT)
@click.argument("what", metavar="RECIPE|DATA")
@search_options
@click.pass_context
def search(ctx: click.Context, /, what: str, **given: Any) -> None:
    """Train many networks with settings drawn from ranges, on RECIPE or on the table in the file DATA; keep the best.

    The candidates are judged by rows that they do not learn from; the winner's figure on rows that none has seen is
    told at the end. Exit code 1: the search failed or was interrupted; 2: what was given cannot be used.
    """
    with one_line_errors():
        done = _search(ctx, what, given)
    ctx.exit(0 if done else FAILED)


def _search(ctx: click.Context, what: str, given: dict[str, Any]) -> bool:
    """Train, print, write; True where it was not cut short."""
    require_one_process("bpnet search", "it uses all cores itself")
    table = is_table(what)
    if table:
        refuse(ctx, what, RECIPE_ONLY, "a recipe, and this is a search on a table")
    else:
        recipe(what)
        refuse(ctx, what, TABLE_ONLY, "a table, and this is a recipe")
    asked, plot = Asked.of(given), given["plot"]
    require_drawing(plot)
    folder = given["out"] or Path("runs") / f"{Path(what).name.split('.')[0]}-search"
    require_unused(folder)
    on, dtype = chosen_backend(given["backend"], given["dtype"])
    if table:
        from bpnet.cli.search_table import TableSearch

        job: Any = TableSearch(Path(what), asked, on, dtype, {name: given[name] for name in TABLE_ONLY})
    else:
        from bpnet.cli.search_recipe import RecipeSearch

        job = RecipeSearch(what, asked, on, dtype, given["data"])
    space = job.search.space
    if not space.searched:
        raise ValueError(
            "nothing is searched: each setting has one value, expected a range or choices for one. Mend: --lr 1e-4:1e-1"
        )
    writable_folder(folder)
    click.echo(job.title)
    click.echo(f"backend {on.name}, device {on.device}, {dtype}, seed {asked.seed}")
    count = len(job.search.candidates)
    if count < asked.models:
        click.echo(f"there are only {count:,} different candidates; each is trained once")
    try:
        found = job.search.run("auto" if not given["quiet"] else 0)
    except KeyboardInterrupt:
        click.echo("interrupted before a candidate had ended an epoch: nothing was written", err=True)
        return False
    click.echo(summary(found))
    if found.interrupted:
        click.echo("interrupted: what follows is of the candidates that were trained until then")
    click.echo(f"the {min(BEST, len(found.trials))} best, by {found.by.figure} on the rows that judge:")
    click.echo(best_table(found))
    again = ", trained again with the rows that judged" if job.search.refit else ""
    click.echo(f"the best: {settings_text(found.best)}, {found.best.epoch} epochs{again}")
    job.tell(found)
    content = job.content(found, shlex.join(["bpnet", *sys.argv[1:]]))
    written = write_files(folder, found, content, plot)
    for path in [*written, job.report(found, content, folder / MODEL, plot)]:
        if path is not None:
            click.echo(f"wrote {path}")
    return not found.interrupted
