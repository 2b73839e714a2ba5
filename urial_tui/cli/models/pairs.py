"""`urial-tui models pairs`: which sides can be compared with a model, ready to paste."""

import shlex
from typing import Any

import click

from urial_tui.cli.common.catalog import open_catalog
from urial_tui.cli.common.completing import model_names
from urial_tui.cli.models.text import say
from urial_tui.models.facts import Partner
from urial_tui.safetext import json_line


@click.command(short_help="List what a model can be compared with.")
@click.argument("model", shell_complete=model_names)
@click.argument("other", required=False, shell_complete=model_names)
@click.option("--json", "as_json", is_flag=True, help="A JSON array; with OTHER a JSON object.")
def pairs(model: str, other: str | None, as_json: bool) -> None:
    """List what MODEL can be compared with token by token: adapters for it, and models of the same vocabulary.

    Likely pairs of a base model and one that was aligned from it come first. With OTHER it is said whether the two
    vocabularies agree; where they do not, the first ids that differ are named and the exit code is 3.
    """
    catalog = open_catalog()
    if other is not None:
        _print_match(model, other, as_json=as_json)
        return
    found = catalog.partners(model)
    if as_json:
        click.echo(json_line([_partner_json(partner) for partner in found], indent=2))
        return
    if not found:
        say(f"nothing on this machine can be compared with {model}")
        say(
            "hint: `urial-tui models starters` lists pairs to fetch; a base model can be compared with itself, "
            "with and without a prompt pack.",
            err=True,
        )
    for partner in found:
        _print(partner)


def _print_match(model: str, other: str, *, as_json: bool) -> None:
    catalog = open_catalog()
    match = catalog.check_pair(model, other)
    wanted = catalog.find(other).name
    partner = next((one for one in catalog.partners(model) if one.name == wanted), None)
    if as_json:
        told = {
            "compatible": True,
            "n_common": match.n_common,
            "extra": match.extra,
            "warnings": list(match.warnings),
            "pair": _partner_json(partner) if partner is not None else None,
        }
        click.echo(json_line(told, indent=2))
        return
    say(f"the vocabularies agree: {match.n_common:,} tokens")
    for warning in match.warnings:
        say(f"warning: {warning}")
    if partner is not None:
        _print(partner)


def _partner_json(partner: Partner) -> dict[str, Any]:
    return {
        "name": partner.name,
        "likely": partner.likely,
        "reason": partner.reason,
        "generator": partner.generator,
        "references": list(partner.references),
        "command": _command(partner),
    }


def _print(partner: Partner) -> None:
    say(f"{'* ' if partner.likely else '  '}{partner.name}: {partner.reason}")
    say(f"    {_command(partner)}")


def _command(partner: Partner) -> str:
    words = ["urial-tui", "shift", "--generator", partner.generator]
    for reference in partner.references:
        words += ["--reference", reference]
    return shlex.join(words)
