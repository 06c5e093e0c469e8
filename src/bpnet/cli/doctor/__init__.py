"""`bpnet doctor`: what bpnet finds on this machine, and the mend of what it does not find."""

from __future__ import annotations

import click

from bpnet.cli.doctor.examination import examine
from bpnet.cli.doctor.rendering import json_text, markdown, text


@click.command(name="doctor")
@click.option("--backend", "spec", metavar="SPEC", help="The backend to ask for, in place of BPNET_BACKEND.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
@click.option("--markdown", "as_markdown", is_flag=True, help="Print Markdown, for bug reports.")
@click.pass_context
def doctor(context: click.Context, spec: str | None, as_json: bool, as_markdown: bool) -> None:
    """Show which backends run here, why the others do not, and whether they agree with NumPy.

    The exit code is 1 where the backend asked for cannot be used, a setting is wrong, or a backend's numbers are off.
    """
    if as_json and as_markdown:
        raise click.UsageError("--json and --markdown were both given; choose one")
    report = examine(spec)
    click.echo(json_text(report) if as_json else markdown(report) if as_markdown else text(report))
    context.exit(0 if report.ok else 1)
