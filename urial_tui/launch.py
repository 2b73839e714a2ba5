"""Starts the terminal interface: checks what was asked for, then gives the app its services.

What was asked for on the command line is checked before the screen is taken over, so that its errors
are ordinary ones. The engine, the history and the packs are imported after the first paint.
"""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from urial_tui import paths
from urial_tui.engine.options import check_options
from urial_tui.errors import UrialError
from urial_tui.settings import Settings, load_settings, save_settings, with_values
from urial_tui.sides import CHAT, DEMO, Side, parse_side
from urial_tui.ui.app import run_tui
from urial_tui.ui.services import AppServices, ChatLike, Listener, ModelChoice, PackInfo

if TYPE_CHECKING:
    from urial_tui.services import Services
    from urial_tui.store.aio import AsyncStore


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
    of one, or `last`. `overrides` are settings of this run, by key.
    """
    settings = with_values(load_settings(paths.settings_file()), overrides or {})
    check_options(settings.n_batch, settings.flash_attention, settings.kv_type)
    wanted = parse_side(side if side is not None else settings.side)
    if pack is not None:
        _check_pack(pack)
        wanted = wanted.with_style(pack)
    if side is not None or pack == CHAT:
        _check_side(str(wanted), settings)
    found = _Composition(settings, str(wanted))
    plain = pack is None and (side is None or (wanted.style is None and wanted.adapter is None))
    return AppServices(
        make_chat=found.make_chat,
        list_packs=found.list_packs,
        pack_problems=found.pack_problems,
        list_models=found.list_models,
        check_side=lambda text: _check_side(text, settings),
        state_dir=paths.state_dir(),
        theme=settings.theme,
        keymap=settings.keymap,
        save_theme=_save_theme,
        session_id=_session_id(session) if session is not None else None,
        resume=plain and (side is None or _last_session_is_on(wanted.model)),
        close=found.close,
    )


def _check_pack(pack: str) -> None:
    """Raise PromptError for a style that cannot be used. Whether a model has a template is the side's business."""
    if pack == CHAT:
        return
    from urial_tui.prompts.styles import default_library, resolve_style

    resolve_style(pack, default_library())


def _check_side(text: str, settings: Settings) -> None:
    """Raise UrialError when the side cannot be used. The embedded model is not assembled for it."""
    from urial_tui.errors import ModelError
    from urial_tui.models import demo
    from urial_tui.models.library import Library
    from urial_tui.models.resolve import resolve_side

    wanted = parse_side(text)
    if wanted.style is not None:
        _check_pack(wanted.style)
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
            last = store.sessions(limit=1)
            return bool(last) and parse_side(last[0].side).model == model
    except UrialError:
        return False


def _save_theme(name: str) -> None:
    save_settings({"theme": name}, paths.settings_file())


class _Composition:
    """The services behind the app; each is made when the app first asks for it."""

    def __init__(self, settings: Settings, side: str) -> None:
        self._settings = settings
        self._side = side
        self._services: Services | None = None
        self._store: AsyncStore | None = None

    def services(self) -> "Services":
        if self._services is None:
            from urial_tui.services import Services

            self._services = Services(self._settings)
        return self._services

    async def make_chat(self, listener: Listener) -> ChatLike:
        # Importing takes a few tenths of a second; in a thread, keys are answered meanwhile.
        services = await asyncio.to_thread(self.services)
        from urial_tui.chat.chat import Chat

        self._store, trouble = await services.open_store()
        return Chat(
            engine=services.engine,
            store=self._store,
            resolve=services.activate_for_chat,
            side=self._side,
            listener=listener,
            trouble=trouble,
            measurements=services.measurements,
            references=self._settings.references,
            scoring=self._settings.scoring,
            default_pack=self._settings.pack,
        )

    def list_packs(self) -> Sequence[PackInfo]:
        return self.services().packs.all()

    def pack_problems(self) -> Sequence[str]:
        return [f"{p.path.name}: {p.error.message}" for p in self.services().packs.problems]

    async def list_models(self) -> Sequence[ModelChoice]:
        return await asyncio.to_thread(self._models)

    def _models(self) -> list[ModelChoice]:
        from urial_tui.errors import ModelError
        from urial_tui.models.adapters import SFT
        from urial_tui.models.gguf_header import read_header

        library = self.services().library
        library.refresh()
        tuned = "the embedded model with its adapter, which makes it follow instructions"
        choices = [
            ModelChoice(DEMO, "embedded model", "gemma-3-270m Q4_K_M"),
            ModelChoice(str(Side(DEMO, SFT)), "embedded model, tuned", tuned),
        ]
        for entry in library.entries():
            try:
                header = read_header(entry.path)
            except ModelError:
                continue
            if header.kind == "model" and not entry.missing_parts:
                size = f"{entry.size / 1e9:.1f} GB" if entry.size > 1e9 else ""
                size = size or f"{entry.size / 1e6:.0f} MB"
                where = f"{entry.source}: {_short(entry.path.parent)}"
                detail = f"{header.architecture} {header.quantization}, {size}, {where}"
                choices.append(ModelChoice(str(Side(entry.name)), entry.name, detail))
        return choices

    async def close(self) -> None:
        """End the engine process, then the history."""
        try:
            if self._services is not None:
                await self._services.aclose()
        finally:
            if self._store is not None:
                await self._store.aclose()


def _short(path: Path) -> str:
    home = Path.home()
    return f"~/{path.relative_to(home)}" if path.is_relative_to(home) else str(path)
