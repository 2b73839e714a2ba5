"""`urial-tui models search | pull | starters`: models on the Hugging Face Hub.

Registered under `models`. Nothing of the hub is imported before a command runs.
"""

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from urial_tui.models.hub.starters import Starter
    from urial_tui.models.hub.types import HubRepo


@click.command(short_help="Find models on the Hugging Face Hub.")
@click.argument("query")
@click.option(
    "--limit",
    type=click.IntRange(1, 100),
    default=30,
    show_default=True,
    help="At most so many repositories.",
)
@click.option("--json", "as_json", is_flag=True, help="A JSON array.")
def search(query: str, limit: int, as_json: bool) -> None:
    """Find GGUF repositories on the hub whose names hold QUERY, most downloaded first."""
    from urial_tui.models.hub.client import Hub
    from urial_tui.safetext import json_line

    found = Hub().search(query, limit)
    if as_json:
        click.echo(json_line([_repo_json(repo) for repo in found], indent=2))
        return
    if not found:
        click.echo("no GGUF repository has that in its name", err=True)
        return
    width = min(max(len(repo.id) for repo in found), 60)
    for repo in found:
        _say(_repo_line(repo, width))


def _repo_json(repo: "HubRepo") -> dict[str, Any]:
    return {
        "repo": repo.id,
        "downloads": repo.downloads,
        "likes": repo.likes,
        "gated": repo.gated,
        "license": repo.license or None,
        "base_model": repo.base_model or None,
        "updated": repo.updated or None,
    }


def _repo_line(repo: "HubRepo", width: int) -> str:
    facts = [repo.license or "no licence named", "gated" if repo.gated else "", repo.updated]
    downloads = f"{repo.downloads:,} downloads"
    return f"{repo.id:<{width}}  {downloads:>20}  {', '.join(fact for fact in facts if fact)}"


@click.command(short_help="Fetch a model from the hub.")
@click.argument("name", metavar="REPO[:QUANT]")
@click.option("--revision", metavar="REV", help="A branch, tag or commit instead of the newest.")
@click.option("--list", "only_list", is_flag=True, help="List what there is, and fetch nothing.")
@click.option("--yes", is_flag=True, help="Do not ask, also when a model does not fit.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object at the end.")
def pull(name: str, revision: str | None, only_list: bool, yes: bool, as_json: bool) -> None:
    """Fetch a model from the hub, or go on with one that was interrupted.

    REPO is OWNER/NAME, QUANT what `--list` shows, such as Q4_K_M, which is also taken when none is named.
    `starter:ID` fetches both models of a starting point (`urial-tui models starters`).
    """
    from urial_tui.cli.models import pulling

    if only_list:
        pulling.show_quants(name, revision, as_json=as_json)
    else:
        pulling.pull(name, revision, yes=yes, as_json=as_json)


@click.command(short_help="Pairs of models to begin with.")
@click.option("--json", "as_json", is_flag=True, help="A JSON array.")
def starters(as_json: bool) -> None:
    """Pairs of a base and an aligned model to begin with, by the memory that they need."""
    import dataclasses

    from urial_tui.models.hub.starters import starters as all_starters
    from urial_tui.safetext import json_line

    found = all_starters()
    if as_json:
        rows = [dataclasses.asdict(starter) | {"size": starter.size} for starter in found]
        click.echo(json_line(rows, indent=2))
        return
    for starter in sorted(found, key=lambda starter: starter.ram_gb):
        for line in _starter_lines(starter):
            _say(line)
    click.echo("To fetch both models of one: urial-tui models pull starter:ID")


def _starter_lines(starter: "Starter") -> list[str]:
    from urial_tui.cli.common.wording import human_size

    head = f"{starter.id:<18} {starter.title}, for {starter.ram_gb} GB of memory"
    lines = [
        f"{head}; {human_size(starter.size)} to fetch; {starter.license}",
        f"    {starter.why}",
    ]
    if starter.note:
        lines.append(f"    {starter.note}")
    for side, model in (("base", starter.base), ("aligned", starter.aligned)):
        where = f"{model.repo}:{model.quant}"
        lines.append(f"    {side:<8} {model.name:<28} {human_size(model.size):>8}  {where}")
    return lines


def _say(line: str) -> None:
    from urial_tui.safetext import sanitize_line

    click.echo(sanitize_line(line, 400))
