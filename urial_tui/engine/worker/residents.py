"""What the engine process holds: models by path, adapters by model and path, contexts by spec; each closed once."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from urial_tui.engine.memory import Bytes, MemoryTaken
from urial_tui.engine.offload import fewer
from urial_tui.engine.options import refusal
from urial_tui.engine.protocol import ContextInfo, ContextSpec
from urial_tui.engine.worker import native
from urial_tui.engine.worker.buffers import resident_bytes
from urial_tui.engine.worker.canonical import BorderStates
from urial_tui.engine.worker.context import Context
from urial_tui.engine.worker.faults import Fault
from urial_tui.engine.worker.model import Adapter, Model
from urial_tui.engine.worker.placement import first_layers, gpus
from urial_tui.engine.worker.prefix import PrefixCache
from urial_tui.engine.worker.states import StateStore
from urial_tui.engine.worker.vocabulary import Vocabulary, read_vocabulary

GENERATOR = "generator"
OnLoad = Callable[[float], bool]
"""Called with the share loaded, 0 to 1; False stops loading."""


@dataclass
class Resident:
    spec: ContextSpec
    model: Model
    context: Context
    cache: PrefixCache
    states: BorderStates
    load_s: float
    """Seconds that opening took; 0 once a request has reported it."""
    shared: bool = False
    """Whether the weights were there before."""
    grown: int = 0
    """By how many bytes the process grew while this was opened."""

    def info(self) -> ContextInfo:
        model, context = self.model, self.context
        return ContextInfo(
            n_ctx=context.n_ctx,
            n_ctx_train=model.n_ctx_train,
            n_vocab=model.n_vocab,
            n_layers=model.n_layers,
            gpu_layers=model.gpu_layers,
            n_threads=context.n_threads,
            swa_window=model.swa_window,
            description=model.description,
            n_params=model.n_params,
            size_bytes=model.size_bytes,
            load_s=self.load_s,
            device=", ".join(model.devices) or "GPU" if model.gpu_layers else "CPU",
            memory=self._memory(),
        )

    def _memory(self) -> MemoryTaken | None:
        kv_cache, compute, output = self.context.buffers()
        if not self.model.weights.total or not compute.total:
            return None
        adapter = self.context.adapter
        return MemoryTaken(
            weights=self.model.weights,
            kv_cache=kv_cache,
            compute=compute,
            output=output,
            adapter=adapter.size if adapter else Bytes(),
            shared=self.shared,
            resident=self.grown,
        )


class Residents:
    """Opens on demand and shares: equal specs share a context, equal files share weights.

    The generator's placement counts: contexts of other slots take the weights as they lie. When the generator wants
    them elsewhere, the other contexts on them are closed first; they come back when they are next asked for.
    """

    def __init__(self, states: StateStore | None) -> None:
        self._states = states
        self._models: dict[str, Model] = {}
        self._placed: dict[str, tuple[int, int]] = {}
        """What the spec said that each model was loaded for: layers, main GPU."""
        self._adapters: dict[tuple[int, str], Adapter] = {}
        self._contexts: dict[ContextSpec, Resident] = {}
        self._vocabularies: dict[int, Vocabulary] = {}

    def get(self, spec: ContextSpec, on_load: OnLoad | None = None) -> Resident:
        """The context of `spec`, loading what is missing. Raises Fault."""
        found = self._contexts.get(spec)
        if found is None:
            refused = refusal(spec.n_batch, spec.flash_attention, spec.kv_type)
            if refused is not None:
                raise Fault("options", *refused)
            before = resident_bytes()
            found = self._open(spec, on_load)
            found.grown = max(0, resident_bytes() - before)
            self._contexts[spec] = found
        return found

    def _open(self, spec: ContextSpec, on_load: OnLoad | None) -> Resident:
        """Load what is missing. With automatic GPU layers, a context that finds no memory is tried again with fewer of
        them, as long as nothing else uses the weights."""
        if spec.slot == GENERATOR:
            self._make_way(spec)
        layers: int | None = None
        while True:
            model, load_s = self._model(spec, layers, on_load)
            shared = any(resident.model is model for resident in self._contexts.values())
            try:
                return self._with_context(spec, model, load_s, shared)
            except Fault as fault:
                offloaded, n_layers = model.gpu_layers, model.n_layers
                self._drop_unused()
                if fault.kind != "memory" or spec.gpu_layers >= 0 or not offloaded or shared:
                    raise
                layers = fewer(offloaded, n_layers)

    def _make_way(self, spec: ContextSpec) -> None:
        """Close what lies on the same file's weights where the generator does not want them."""
        placed = self._placed.get(spec.model_path)
        if placed is not None and placed != (spec.gpu_layers, spec.main_gpu):
            for other in [s for s in self._contexts if s.model_path == spec.model_path]:
                self.close(other)

    def _model(
        self, spec: ContextSpec, layers: int | None, on_load: OnLoad | None
    ) -> tuple[Model, float]:
        """The weights and the seconds that loading them took now. `layers` None: what suits the devices."""
        path = spec.model_path
        if path in self._models:
            return self._models[path], 0.0
        if not Path(path).is_file():
            raise Fault(
                "model-missing",
                f"there is no file {path}",
                "Check the path of the model.",
            )
        if layers is None:
            layers = first_layers(spec, gpus(spec.main_gpu))
        model = self._models[path] = Model(
            path, layers, on_load, main_gpu=spec.main_gpu, step_down=spec.gpu_layers < 0
        )
        self._placed[path] = (spec.gpu_layers, spec.main_gpu)
        return model, model.load_s

    def _with_context(
        self, spec: ContextSpec, model: Model, load_s: float, shared: bool
    ) -> Resident:
        adapter = self._adapter(model, spec.adapter_path) if spec.adapter_path else None
        context = Context(
            model,
            n_ctx=spec.n_ctx,
            n_threads=spec.n_threads,
            adapter=adapter,
            adapter_scale=spec.adapter_scale,
            n_batch=spec.n_batch,
            flash_attention=spec.flash_attention,
            kv_type=spec.kv_type,
        )
        try:
            context.warm()
        except BaseException:
            context.close()
            raise
        cache = PrefixCache(context, self._states, _key(spec, context))
        return Resident(spec, model, context, cache, BorderStates(), load_s, shared)

    def _adapter(self, model: Model, path: str) -> Adapter:
        key = (id(model), path)
        if key not in self._adapters:
            if not Path(path).is_file():
                raise Fault(
                    "adapter-missing", f"there is no file {path}", "Check the path of the adapter."
                )
            self._adapters[key] = Adapter(model, path)
        return self._adapters[key]

    def vocabulary(self, model: Model) -> Vocabulary:
        """Read once for each loaded model."""
        found = self._vocabularies.get(id(model))
        if found is None:
            found = self._vocabularies[id(model)] = read_vocabulary(model)
        return found

    def close(self, spec: ContextSpec) -> None:
        resident = self._contexts.pop(spec, None)
        if resident is not None:
            resident.context.close()
            self._drop_unused()

    def close_all(self) -> None:
        for spec in list(self._contexts):
            self.close(spec)

    def _drop_unused(self) -> None:
        used = {id(resident.model) for resident in self._contexts.values()}
        kept_adapters = {(id(r.model), r.spec.adapter_path) for r in self._contexts.values()}
        for key in [key for key in self._adapters if key not in kept_adapters]:
            self._adapters.pop(key).close()
        for path in [path for path, model in self._models.items() if id(model) not in used]:
            model = self._models.pop(path)
            self._placed.pop(path, None)
            self._vocabularies.pop(id(model), None)
            model.close()


def _key(spec: ContextSpec, context: Context) -> dict[str, object]:
    """Everything besides the token ids that decides the bytes of a saved state."""
    model = context.model
    return {
        "library": native.VERSION,
        "model": _identity(spec.model_path),
        "adapter": _identity(spec.adapter_path) if spec.adapter_path else None,
        "adapter_scale": spec.adapter_scale if spec.adapter_path else None,
        "context": [
            context.n_ctx,
            context.n_batch,
            spec.kv_type,
            spec.flash_attention,
            "swa-window",
        ],
        "shape": [model.n_vocab, model.n_layers, model.n_params, model.size_bytes],
        "device_layers": [model.gpu_layers, *model.devices],
    }


def _identity(path: str) -> list[object]:
    """Size, change time and a hash of the first 64 KiB (the header): a file of hundreds of MB is not hashed here."""
    with Path(path).open("rb") as file:
        head = file.read(65536)
    status = Path(path).stat()
    return [status.st_size, status.st_mtime_ns, hashlib.sha256(head).hexdigest()]
