"""`urial-tui models list`: the models and adapters on this machine."""

import click

from urial_tui.cli.common.catalog import open_catalog
from urial_tui.cli.common.wording import human_size
from urial_tui.cli.models.text import facts_json, say
from urial_tui.models.facts import ModelFacts
from urial_tui.safetext import json_line


@click.command("list", short_help="List the models on this machine.")
@click.option(
    "--kind",
    type=click.Choice(["all", "model", "adapter"]),
    default="all",
    show_default=True,
    help="Only models, or only adapters.",
)
@click.option("--rescan", is_flag=True, help="Read every file's header again.")
@click.option("--json", "as_json", is_flag=True, help="A JSON array.")
def list_command(kind: str, rescan: bool, as_json: bool) -> None:
    """List the models and adapters that were found. Their names can be used in any SIDE.

    Looked in are the program's own folder, the `model_folders` of the settings, and where Hugging Face, LM Studio,
    Ollama and llama.cpp keep models. Files are never moved.
    """
    catalog = open_catalog()
    if rescan:
        catalog.forget()
    found = [facts for facts in catalog.facts() if kind in ("all", facts.kind)]
    if as_json:
        click.echo(json_line([facts_json(facts) for facts in found], indent=2))
    else:
        _print(found)
    for problem in catalog.problems:
        say(f"note: {problem}", err=True)


def _print(found: list[ModelFacts]) -> None:
    """Models, adapters, what else there is, and what cannot be used, under a heading each."""
    groups: dict[str, list[ModelFacts]] = {
        "Models": [facts for facts in found if facts.is_model],
        "Adapters": [f for f in found if f.kind == "adapter" and not f.problem],
        "Other files": [f for f in found if f.kind not in ("model", "adapter") and not f.problem],
        "Cannot be used": [facts for facts in found if facts.problem],
    }
    width = min(max((len(facts.name) for facts in found), default=0), 48)
    first = True
    for heading, group in groups.items():
        if not group:
            continue
        click.echo(heading if first else f"\n{heading}")
        first = False
        for facts in group:
            say(f"  {facts.name:<{width}}  {human_size(facts.size):>9}  {_what(facts)}")
    if first:
        click.echo("nothing was found")


def _what(facts: ModelFacts) -> str:
    where = f"({facts.source})"
    if facts.problem:
        return f"{facts.problem}  {where}"
    if facts.kind == "adapter":
        return f"for {facts.architecture} models  {where}"
    told = [facts.architecture, facts.size_label, facts.quantization]
    if facts.kind != "model":
        told.insert(0, facts.kind)
    if facts.context_length:
        told.append(f"{facts.context_length:,} ctx")
    if facts.role != "unknown":
        told.append(facts.role)
    return f"{' '.join(part for part in told if part)}  {where}"
