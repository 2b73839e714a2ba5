"""What the engine process holds: models by path, adapters by model and path, contexts by spec; each closed once."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from urial_tui.engine.protocol import ContextInfo, ContextSpec
from urial_tui.engine.worker import native
from urial_tui.engine.worker.canonical import BorderStates
from urial_tui.engine.worker.context import Context
from urial_tui.engine.worker.faults import Fault
from urial_tui.engine.worker.model import Adapter, Model
from urial_tui.engine.worker.prefix import PrefixCache
from urial_tui.engine.worker.states import StateStore
from urial_tui.engine.worker.vocabulary import Vocabulary, read_vocabulary

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

    def info(self) -> ContextInfo:
        model, context = self.model, self.context
        device = "CPU"
        if model.gpu_layers:
            device = next((d[0] for d in native.devices() if not d[0].startswith("CPU")), "GPU")
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
            device=device,
        )


class Residents:
    """Opens on demand and shares: equal specs share a context, equal paths share weights."""

    def __init__(self, states: StateStore | None) -> None:
        self._states = states
        self._models: dict[tuple[str, int], Model] = {}
        self._adapters: dict[tuple[int, str], Adapter] = {}
        self._contexts: dict[ContextSpec, Resident] = {}
        self._vocabularies: dict[int, Vocabulary] = {}

    def get(self, spec: ContextSpec, on_load: OnLoad | None = None) -> Resident:
        """The context of `spec`, loading what is missing. Raises Fault."""
        found = self._contexts.get(spec)
        if found is None:
            found = self._open(spec, on_load)
            self._contexts[spec] = found
        return found

    def _open(self, spec: ContextSpec, on_load: OnLoad | None) -> Resident:
        """Load what is missing. With automatic GPU layers, a context that finds no memory on the device is tried again
        with half the layers, as long as nothing else uses the weights."""
        layers = spec.gpu_layers
        while True:
            model, load_s = self._model(spec, layers, on_load)
            try:
                return self._with_context(spec, model, load_s)
            except Fault as fault:
                shared = any(resident.model is model for resident in self._contexts.values())
                offloaded = model.gpu_layers
                self._drop_unused()
                if fault.kind != "context" or spec.gpu_layers >= 0 or not offloaded or shared:
                    raise
                layers = offloaded // 2

    def _model(self, spec: ContextSpec, layers: int, on_load: OnLoad | None) -> tuple[Model, float]:
        """The weights and the seconds that loading them took now."""
        key = (spec.model_path, spec.gpu_layers)
        if key in self._models:
            return self._models[key], 0.0
        if not Path(spec.model_path).is_file():
            raise Fault(
                "model-missing",
                f"there is no file {spec.model_path}",
                "Check the path of the model.",
            )
        model = self._models[key] = Model(spec.model_path, layers, on_load)
        return model, model.load_s

    def _with_context(self, spec: ContextSpec, model: Model, load_s: float) -> Resident:
        adapter = self._adapter(model, spec.adapter_path) if spec.adapter_path else None
        context = Context(
            model,
            n_ctx=spec.n_ctx,
            n_threads=spec.n_threads,
            adapter=adapter,
            adapter_scale=spec.adapter_scale,
        )
        try:
            _warm(context)
        except BaseException:
            context.close()
            raise
        cache = PrefixCache(context, self._states, _key(spec, context))
        return Resident(spec, model, context, cache, BorderStates(), load_s)

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
        for name in [name for name, model in self._models.items() if id(model) not in used]:
            model = self._models.pop(name)
            self._vocabularies.pop(id(model), None)
            model.close()


def _warm(context: Context) -> None:
    """Decode one token and forget it: the first real token should not pay for touching the weights."""
    context.decode((context.model.bos or 0,), outputs=1)
    context.clear()


def _key(spec: ContextSpec, context: Context) -> dict[str, object]:
    """Everything besides the token ids that decides the bytes of a saved state."""
    model = context.model
    return {
        "library": native.VERSION,
        "model": _identity(spec.model_path),
        "adapter": _identity(spec.adapter_path) if spec.adapter_path else None,
        "adapter_scale": spec.adapter_scale if spec.adapter_path else None,
        "context": [context.n_ctx, "f16", "f16", "swa-window"],
        "shape": [model.n_vocab, model.n_layers, model.n_params, model.size_bytes],
        "device_layers": model.gpu_layers,
    }


def _identity(path: str) -> list[object]:
    """Size, change time and a hash of the first 64 KiB (the header): a file of hundreds of MB is not hashed here."""
    with Path(path).open("rb") as file:
        head = file.read(65536)
    status = Path(path).stat()
    return [status.st_size, status.st_mtime_ns, hashlib.sha256(head).hexdigest()]
