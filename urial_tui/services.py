"""Puts the pieces together: settings, packs, library, engine and history, for the TUI and for each command alike.

Nothing is opened before it is asked for. `Services.activate` is the one way from SIDE text to a side that can answer.
"""

import asyncio
import contextlib
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from urial_tui import __version__, paths
from urial_tui.chat.active import ActiveSide
from urial_tui.chat.noise import Measurements
from urial_tui.engine.client import EngineClient
from urial_tui.engine.memory import offload_devices
from urial_tui.engine.options import check_options
from urial_tui.engine.protocol import ContextSpec, Sampling
from urial_tui.errors import EngineError, StoreError, UrialError
from urial_tui.models.fit import Fit, fit_sides, in_words
from urial_tui.models.hashes import HashingStopped, file_sha256, known_sha256
from urial_tui.models.library import Library
from urial_tui.models.machine import main_memory
from urial_tui.models.resolve import ResolvedSide, resolve_side
from urial_tui.models.token_text import token_texts
from urial_tui.prompts.named import check_style_of
from urial_tui.prompts.packs import PackLibrary
from urial_tui.prompts.styles import Style, chat_style, default_library, resolve_style
from urial_tui.prompts.templates import ChatTemplate, mentioned_tokens
from urial_tui.settings import (
    DEFAULT_MAX_TOKENS,
    Settings,
    current_settings,
    from_setting,
    with_values,
)
from urial_tui.sides import CHAT, DEMO, Side, parse_side
from urial_tui.store.aio import AsyncStore

MEBIBYTE = 1024 * 1024


@dataclass(frozen=True)
class SideChoice:
    """How a command line or the settings say which side to use. `pack` and `pack_file` replace the side's style."""

    side: str | None = None
    demo: bool = False
    pack: str | None = None
    pack_file: Path | None = None


class Services:
    """One program's worth of services. Use `aclose` at the end.

    `overrides` are settings of this run, by key: they go before the given ones, or before those of the file.
    """

    def __init__(
        self, settings: Settings | None = None, overrides: Mapping[str, Any] | None = None
    ) -> None:
        self._given = settings
        self._overrides = overrides or {}
        self._resolved: dict[tuple[str, str | None], ResolvedSide] = {}
        self._from_settings: str | None = None
        """The model of the settings' side, where that is the one that was asked for."""
        self._closing = threading.Event()
        self._hashing: set[asyncio.Task[None]] = set()

    @cached_property
    def settings(self) -> Settings:
        """Raises SettingsError."""
        if self._given is None:
            return current_settings(self._overrides)
        return with_values(self._given, self._overrides)

    def use(self, key: str, value: Any) -> None:
        """Take this value of a setting for every side that is made active from now on."""
        self._given = with_values(self.settings, {key: value})
        self.settings = self._given

    @cached_property
    def packs(self) -> PackLibrary:
        return default_library()

    @cached_property
    def library(self) -> Library:
        return Library.from_settings(self.settings)

    @cached_property
    def engine(self) -> EngineClient:
        return EngineClient(
            states_dir=paths.prompt_states_dir(),
            states_quota=self.settings.prompt_state_quota_mb * MEBIBYTE,
            log_file=paths.engine_log_file(),
        )

    @cached_property
    def measurements(self) -> Measurements:
        """What was measured of models on this machine."""
        return Measurements(paths.measurements_file(), versions().get("llama-cpp-python", ""))

    async def open_store(self) -> tuple[AsyncStore, StoreError | None]:
        """The history, or one in memory together with the reason why."""
        return await AsyncStore.open_or_memory(paths.history_file())

    async def open_kept_store(self) -> AsyncStore:
        """The history for work of hours, which must be on the disk: a refusal ends it. Raises StoreError."""
        store = await AsyncStore.open(paths.history_file())
        store.falls_back = False
        return store

    # --- sides ------------------------------------------------------------------------------------------------------

    def notation(self, choice: SideChoice) -> str:
        """The SIDE text of a choice. Raises UsageError for a side that cannot be read, PromptError where that of the
        settings counts with a style that is not there."""
        if choice.side is not None:
            side = parse_side(choice.side)
        elif choice.demo:
            side = Side(DEMO)
        else:
            side = parse_side(self.settings.side)
            self._from_settings = side.model
            if choice.pack is None and choice.pack_file is None:
                with from_setting("side"):
                    check_style_of(self.settings.side, self.packs)
        if choice.pack is not None:
            side = side.with_style(choice.pack)
        return str(side)

    async def activate(self, notation: str, *, pack_file: Path | None = None) -> ActiveSide:
        """Find and check everything the side needs, off the event loop. Raises UrialError."""
        return await asyncio.to_thread(self._activate, notation, pack_file)

    def _activate(self, notation: str, pack_file: Path | None) -> ActiveSide:
        parsed, style = self._named_style(notation, pack_file)
        resolved = self._find(parsed)
        return self._active(resolved, style or self._style_of(resolved))

    def style(self, notation: str, pack_file: Path | None = None) -> Style:
        """The style that `activate` would take. The model's files are looked at only where they decide. Raises
        UrialError."""
        parsed, style = self._named_style(notation, pack_file)
        if style is not None:
            return style
        if parsed == Side(DEMO):
            # The embedded model is known to have no template; it is not assembled to find that out.
            with from_setting("pack"):
                return resolve_style(self.settings.pack, self.packs)
        return self._style_of(self._find(parsed))

    def _find(self, side: Side) -> ResolvedSide:
        """The side's files, found and checked. Raises UrialError, which tells where a side of the settings is from."""
        with from_setting("side" if side.model == self._from_settings else None):
            return resolve_side(side, self.library, self.settings)

    def _named_style(self, notation: str, pack_file: Path | None) -> tuple[Side, Style | None]:
        """The side, and its style where that is known without the model."""
        parsed = parse_side(notation)
        if pack_file is not None:
            return parsed.with_style(None), resolve_style(None, self.packs, pack_file)
        if parsed.style in (None, CHAT):
            return parsed, None
        return parsed, resolve_style(parsed.style, self.packs)

    def _style_of(self, resolved: ResolvedSide) -> Style:
        """The side's own style, `chat` with the template that goes with its files."""
        template = resolved.chat_template
        if resolved.style != CHAT or template is None:
            with from_setting("pack" if resolved.side.style is None else None):
                return resolve_style(resolved.style, self.packs)
        tokens = token_texts(resolved.model_path, mentioned_tokens(template))
        # A template that prints the date has the same prompt all day, so that its prefix is read once.
        today = datetime.now().replace(hour=0, minute=0, second=0, microsecond=0)
        return chat_style(ChatTemplate.of(template, tokens, today))

    def _active(self, resolved: ResolvedSide, style: Style) -> ActiveSide:
        settings = self.settings
        check_options(settings.n_batch, settings.flash_attention, settings.kv_type)
        sampling, max_tokens = self.sampling(style)
        side = resolved.side.with_style(style.id)
        spec = ContextSpec(
            model_path=str(resolved.model_path),
            adapter_path=str(resolved.adapter_path) if resolved.adapter_path else None,
            adapter_scale=resolved.adapter_scale,
            n_ctx=settings.n_ctx,
            n_threads=settings.n_threads,
            gpu_layers=settings.gpu_layers,
            n_batch=settings.n_batch,
            flash_attention=settings.flash_attention,
            kv_type=settings.kv_type,
            main_gpu=settings.main_gpu,
        )
        self._resolved[spec.model_path, spec.adapter_path] = resolved
        return ActiveSide(
            notation=str(side),
            spec=spec,
            style=style,
            sampling=sampling,
            max_tokens=max_tokens,
            sha256_of=lambda path: known_sha256(Path(path)),
            versions=versions(),
            quantization=resolved.header.quantization,
            reference_gpu_layers=settings.reference_gpu_layers,
            need=lambda: self._need(resolved),
        )

    def sampling(self, style: Style) -> tuple[Sampling, int]:
        """The user's settings, then the pack's own values, then the engine's; the number is `max_tokens`."""
        values: dict[str, float | int | None] = {}
        chosen = self.settings.sampling
        for name in Sampling.__struct_fields__:
            mine = getattr(chosen, name, None)
            value = mine if mine is not None else style.defaults.get(name)
            if value is not None:
                values[name] = value
        longest = chosen.max_tokens or int(style.defaults.get("max_tokens", DEFAULT_MAX_TOKENS))
        return Sampling(**values), longest  # type: ignore[arg-type]

    # --- memory -----------------------------------------------------------------------------------------------------

    async def fit(self, sides: Sequence[ActiveSide]) -> Fit:
        """Whether sides fit together, the generator first; not known for one that was not activated here. Starts the
        engine where a GPU may be used: it alone knows what is free there."""
        keys = [(side.spec.model_path, side.spec.adapter_path) for side in sides]
        resolved = [self._resolved[key] for key in keys if key in self._resolved]
        if len(resolved) < len(keys):
            return Fit("unknown", 0, None)
        return await self.fit_resolved(resolved)

    async def fit_resolved(self, sides: Sequence[ResolvedSide]) -> Fit:
        """The same for sides that are only resolved."""
        try:
            free = await self.device_free()
        except EngineError:
            free = 0  # whoever loads the sides meets the error
        return await self._fit(sides, free)

    async def _fit(self, sides: Sequence[ResolvedSide], device_free: int) -> Fit:
        return fit_sides(sides, self.settings, await asyncio.to_thread(main_memory), device_free)

    async def device_free(self) -> int:
        """Bytes that are free on the GPUs that the settings let be used; 0 without one. Waits for the engine's work.
        Raises EngineError."""
        wanted = (self.settings.gpu_layers, self.settings.reference_gpu_layers)
        if not any(wanted):
            return 0
        devices = (await self.engine.describe()).devices
        return sum(device.free for device in offload_devices(devices, self.settings.main_gpu))

    async def _need(self, resolved: ResolvedSide) -> str:
        # Part of loading: an engine that dies here has failed to load, and a new one is not started unasked.
        fit = await self._fit([resolved], await self.device_free())
        return in_words(fit) if fit.verdict == "fits" else f"{fit.verdict}: {in_words(fit)}"

    async def hash_files(self, side: ActiveSide) -> None:
        """Compute the sha256 of the side's files where they are not known: seconds for a file of gigabytes."""
        for path in filter(None, (side.spec.model_path, side.spec.adapter_path)):
            if side.sha256_of(path) is None:
                await asyncio.to_thread(file_sha256, Path(path), self._closing.is_set)

    async def hash_where_possible(self, *sides: ActiveSide) -> None:
        """The same for several sides; a hash that cannot be computed stays unknown."""
        for side in sides:
            with contextlib.suppress(HashingStopped, OSError, UrialError):
                await self.hash_files(side)

    async def activate_for_chat(self, notation: str) -> ActiveSide:
        """As `activate`; hashes that are not known yet are computed in the background, for later answers."""
        side = await self.activate(notation)
        task = asyncio.create_task(self.hash_files(side), name="hash files")
        task.add_done_callback(self._hashed)
        self._hashing.add(task)
        return side

    def _hashed(self, task: "asyncio.Task[None]") -> None:
        """A hash that could not be computed stays unknown; the answer itself does not need it."""
        self._hashing.discard(task)
        if not task.cancelled():
            task.exception()

    async def aclose(self) -> None:
        """End the engine process, if one was started, and the hashing."""
        self._closing.set()
        for task in list(self._hashing):
            with contextlib.suppress(HashingStopped, OSError, UrialError):
                await task
        if "engine" in self.__dict__:
            await self.engine.aclose()


def versions() -> dict[str, str]:
    """What a generation's provenance says about the software."""
    found = {"urial-tui": __version__, "python": ".".join(map(str, sys.version_info[:3]))}
    with contextlib.suppress(PackageNotFoundError):
        found["llama-cpp-python"] = version("llama-cpp-python")
    return found
