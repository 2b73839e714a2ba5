"""`urial-tui doctor`: checks what the program needs and says what to do where something is wrong.

Each check runs by itself, so that one failure hides no other. It changes nothing: no folder that stays, no
history and no settings file is made. Exit code 1 when a check failed.
"""

import json
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Any

import click

from urial_tui import __version__, paths
from urial_tui.cli.common.context_options import context_options
from urial_tui.cli.common.keymap import keymap_problems, theme_error
from urial_tui.cli.doctor.checks import Check, Status
from urial_tui.errors import SettingsError, UrialError
from urial_tui.safetext import sanitize, sanitize_line
from urial_tui.settings import Settings, current_settings, variable_of, with_values
from urial_tui.settings.file import read_file
from urial_tui.settings.layers import read_environment, unknown_variables

INDEX_CHECK_BYTES = 256 * 1024 * 1024
"""Up to this size the history is copied into memory to check its search index."""
_MARKS: dict[Status, tuple[str, str]] = {
    "ok": ("ok  ", "green"),
    "warn": ("warn", "yellow"),
    "fail": ("FAIL", "red"),
}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="A JSON object.")
@click.option(
    "--pair",
    nargs=2,
    metavar="GEN REF",
    help="Check these two sides instead: vocabularies, noise and null rate on this machine.",
)
@context_options(references=True)
def doctor(as_json: bool, pair: tuple[str, str] | None, overrides: dict[str, Any]) -> None:
    """Check versions, engine, devices, paths, settings, packs, history, models and terminal."""
    checks: list[Check] = []
    more: dict[str, Any] = {}
    groups = _GROUPS | {"models": lambda: _models(overrides)}
    if pair is not None:
        from urial_tui.cli.doctor.pair import check_pair

        found, more = check_pair(*pair, overrides)
        groups = {"pair": lambda: iter(found)}
    for group, run in groups.items():
        for check in _guarded(group, run):
            checks.append(check)
            if not as_json:
                _print(check, first=sum(c.group == group for c in checks) == 1)
    failed = sum(check.status == "fail" for check in checks)
    if as_json:
        report = {"ok": not failed, "version": __version__, "checks": [asdict(c) for c in checks]}
        click.echo(json.dumps(report | more, indent=2))
    else:
        warned = sum(check.status == "warn" for check in checks)
        click.echo(f"\n{len(checks)} checks, {failed} failed, {warned} warnings")
    if failed:
        click.get_current_context().exit(1)


def _guarded(group: str, run: Callable[[], Iterator[Check]]) -> Iterator[Check]:
    try:
        yield from run()
    except UrialError as error:
        yield Check(group, group, "fail", error.message, error.hint)
    except Exception as error:  # noqa: BLE001 - a check that breaks is a finding
        yield Check(group, group, "fail", f"{type(error).__name__}: {error}")


def _print(check: Check, *, first: bool) -> None:
    if first:
        click.echo(f"{check.group}")
    mark, colour = _MARKS[check.status]
    shown = sanitize(check.detail).replace("\n", "\n" + " " * 8)
    styled = click.style(mark, fg=None if "NO_COLOR" in os.environ else colour)
    click.echo(f"  {styled}  {sanitize_line(check.name)}: {shown}")
    if check.hint and check.status != "ok":
        click.echo(" " * 8 + sanitize(check.hint))


def _versions() -> Iterator[Check]:
    group = "versions"
    yield Check(group, "urial-tui", "ok", __version__)
    version = platform.python_version()
    old = sys.version_info < (3, 11)
    yield Check(group, "python", "fail" if old else "ok", f"{version}, {platform.platform()}")
    for name in ("llama-cpp-python", "textual", "sqlite-utils", "huggingface-hub", "msgspec"):
        try:
            yield Check(group, name, "ok", metadata.version(name))
        except metadata.PackageNotFoundError:
            hint = "Install urial-tui again."
            yield Check(group, name, "fail", "not installed", hint)


def _engine() -> Iterator[Check]:
    from urial_tui.cli.doctor.engine import engine_checks

    yield from engine_checks()


def _paths() -> Iterator[Check]:
    for name, folder in (
        ("config", paths.config_dir()),
        ("data", paths.data_dir()),
        ("cache", paths.cache_dir()),
        ("state", paths.state_dir()),
    ):
        yield _folder(name, folder)


def _folder(name: str, folder: Path) -> Check:
    group = "paths"
    existing = next((place for place in (folder, *folder.parents) if _is_there(place)), folder)
    if not existing.is_dir():
        return Check(group, name, "fail", f"{existing} is not a folder", "Move it away.")
    hint = "Check the permissions, or set URIAL_TUI_HOME to a writable folder."
    if not os.access(existing, os.W_OK | os.X_OK):
        return Check(group, name, "fail", f"{folder} is not writable", hint)
    if existing == folder and not os.access(folder, os.R_OK):
        return Check(group, name, "fail", f"{folder} is not readable", hint)
    usage = shutil.disk_usage(existing)
    # No size at all: a place of the system's own, such as /proc, or a network folder that does not say it.
    if not usage.total and (error := _why_not(existing)) is not None:
        detail = f"{folder} cannot be made: {existing} takes no folders ({error})"
        hint = "Set URIAL_TUI_HOME to a folder of your own."
        return Check(group, name, "fail", detail, hint)
    low = usage.total > 0 and usage.free < 500_000_000
    made = "" if folder.is_dir() else " (not made yet)"
    free = f"{usage.free / 1e9:.1f} GB free" if usage.total else "free space unknown"
    return Check(
        group,
        name,
        "warn" if low else "ok",
        f"{folder}{made}, {free}",
        "Free some space." if low else "",
    )


def _is_there(place: Path) -> bool:
    """What cannot be looked at is not there: the folder above it is then the one that does not let us."""
    try:
        return place.exists()
    except OSError:
        return False


def _why_not(folder: Path) -> str | None:
    """Why nothing can be made in a folder, which only trying tells; None where it can."""
    try:
        tempfile.TemporaryDirectory(dir=folder).cleanup()
    except OSError as error:
        return error.strerror or str(error)
    return None


def _settings() -> Iterator[Check]:
    group, path = "settings", paths.settings_file()
    try:
        read_file(path)
        yield Check(group, "file", "ok", f"{path}" if path.exists() else "none, defaults")
    except SettingsError as broken:
        yield Check(group, "file", "fail", broken.message, broken.hint)
    try:
        given = ", ".join(map(variable_of, read_environment(os.environ)))
        yield Check(group, "environment", "ok", given or "gives no settings")
    except SettingsError as broken:
        yield Check(group, "environment", "fail", broken.message, broken.hint)
    if (error := theme_error(_settings_or_defaults().theme)) is not None:
        yield Check(group, "theme", "warn", error.message, error.hint)
    for problem in keymap_problems(_settings_or_defaults().keymap):
        hint = 'Choose another key: the command "Change the keys" of the interface, or the file\'s table keymap.'
        yield Check(group, "keymap", "warn", problem, hint)
    for name, hint in unknown_variables(os.environ).items():
        yield Check(group, "environment", "warn", f"{name} is no setting", hint)


def _packs() -> Iterator[Check]:
    from urial_tui.cli.doctor.sides import pack_check
    from urial_tui.prompts.styles import default_library

    library = default_library()
    ids = library.ids()
    yield Check("packs", "packs", "ok" if ids else "fail", ", ".join(ids) or "none were found")
    for problem in library.problems:
        yield Check("packs", "broken pack", "warn", str(problem), "Correct the file or remove it.")
    yield pack_check(_settings_or_defaults())


def _settings_or_defaults() -> Settings:
    """The settings; the defaults where they are broken, which is told apart."""
    try:
        return current_settings()
    except SettingsError:
        return Settings()


def _history() -> Iterator[Check]:
    from urial_tui.cli.common.history import DAMAGED_HINT, INDEX_HINT
    from urial_tui.store.store import Store

    path = paths.history_file()
    if not path.exists():
        yield Check("history", "database", "ok", f"none yet ({path})")
        return
    size = path.stat().st_size
    with Store.open(path, readonly=True) as store:
        problems = store.check()
        if problems:
            yield Check("history", "database", "fail", "; ".join(problems), DAMAGED_HINT)
            return
        yield Check("history", "database", "ok", f"{path}, {size / 1e6:.1f} MB, no problems")
        if store.not_updated is not None:
            yield Check(
                "history", "version", "warn", store.not_updated.message, store.not_updated.hint
            )
        if size > INDEX_CHECK_BYTES:
            detail = f"not checked, the file is larger than {INDEX_CHECK_BYTES >> 20} MB: urial-tui history check"
            yield Check("history", "search index", "ok", detail)
            return
        # SQLite checks the index only where it may write: in a copy, so that the file stays as it is.
        with store.in_memory_copy() as copy:
            problems = copy.check()
    if problems:
        yield Check("history", "search index", "fail", "; ".join(problems), INDEX_HINT)
    else:
        yield Check("history", "search index", "ok", "agrees with the texts")


def _models(overrides: dict[str, Any]) -> Iterator[Check]:
    from urial_tui.cli.doctor.engine import demo_runs
    from urial_tui.cli.doctor.pair import kept_noise
    from urial_tui.cli.doctor.sides import side_checks
    from urial_tui.models import demo
    from urial_tui.models.gguf.header import read_header
    from urial_tui.models.library import Library
    from urial_tui.sides import DEMO, parse_side

    group = "models"
    settings = with_values(_settings_or_defaults(), overrides)
    wants_demo = parse_side(settings.side).model == DEMO
    missing: Status = "fail" if wants_demo else "warn"
    hint = "pip install 'urial-tui[demo]'"
    if demo.demo_path().exists():
        header = read_header(demo.demo_path())
        state = "verified" if demo.is_assembled() else "will be verified at its next use"
        detail = f"{header.display_name} {header.quantization}, assembled, {state}"
        yield Check(group, DEMO, "ok", detail)
        if demo.is_assembled():
            yield from demo_runs(settings)
    elif demo.is_installed():
        yield Check(group, DEMO, "ok", "installed, put together at its first use")
    else:
        yield Check(group, DEMO, missing, "not installed", hint)
    library = Library.from_settings(settings)
    found = len(library.entries())
    yield Check(group, "library", "ok", f"{found} GGUF files besides the embedded model")
    for problem in library.problems:
        yield Check(group, "library", "warn", problem)
    yield from kept_noise()
    yield from side_checks(settings, library)


def _terminal() -> Iterator[Check]:
    group = "terminal"
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        yield Check(group, "terminal", "ok", "none here; the terminal interface needs one")
        return
    columns, rows = shutil.get_terminal_size()
    small = columns < 80 or rows < 24
    hint = "80x24 shows everything." if small else ""
    yield Check(group, "size", "warn" if small else "ok", f"{columns}x{rows}", hint)
    term, depth = os.environ.get("TERM", ""), os.environ.get("COLORTERM", "")
    if "NO_COLOR" in os.environ:
        colours = "off (NO_COLOR); attributes carry the meaning"
    elif depth in ("truecolor", "24bit"):
        colours = "24 bit"
    else:
        colours = "256" if "256" in term else "16"
    yield Check(group, "colours", "ok", f"{colours} (TERM={term or 'not set'})")
    encoding = (sys.stdout.encoding or "").lower()
    if encoding.replace("-", "") != "utf8":
        yield Check(group, "encoding", "warn", encoding, "Use a UTF-8 locale.")


_GROUPS: dict[str, Callable[[], Iterator[Check]]] = {
    "versions": _versions,
    "engine": _engine,
    "paths": _paths,
    "settings": _settings,
    "packs": _packs,
    "history": _history,
    "models": lambda: _models({}),
    "terminal": _terminal,
}
