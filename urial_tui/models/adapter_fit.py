"""Whether a LoRA adapter fits a model, as far as the headers of both tell.

For `resolve`, before anything is loaded, and for the search for partners.
"""

from urial_tui.errors import ModelError
from urial_tui.models.gguf.summary import GgufHeader


def check_adapter(adapter: GgufHeader, model: GgufHeader) -> None:
    """Refuse an adapter that llama.cpp could not apply to `model`."""
    if adapter.kind != "adapter":
        raise ModelError(
            f"{adapter.path} is a {adapter.kind}, not an adapter",
            hint="After + comes a LoRA adapter in GGUF form.",
            kind="not-an-adapter",
        )
    if adapter.adapter_type != "lora":
        raise ModelError(
            f"{adapter.path} is an adapter of the type {adapter.adapter_type!r}",
            hint="Only LoRA adapters can be used.",
            kind="not-an-adapter",
        )
    if adapter.architecture != model.architecture:
        raise ModelError(
            f"the adapter {adapter.path} is for {adapter.architecture} models, "
            f"{model.path} is {model.architecture}",
            hint="Use the adapter with the model that it was trained on.",
            kind="adapter-mismatch",
        )
    shapes = {tensor.name: tensor.shape for tensor in model.tensors}
    pairs = _pairs(adapter)
    for base, factors in pairs.items():
        if base == "token_embd.weight" or model.split_count:
            continue
        shape = shapes.get(base, ())
        for side, factor in enumerate(factors):
            if len(shape) < 2 or len(factor) < 2 or factor[side] != shape[side]:
                raise ModelError(
                    f"the adapter {adapter.path} does not fit {model.path}: {base} is "
                    + ("missing there" if not shape else "of another size"),
                    hint="Use the adapter with the model that it was trained on.",
                    kind="adapter-mismatch",
                )


def _pairs(adapter: GgufHeader) -> dict[str, tuple[tuple[int, ...], tuple[int, ...]]]:
    """Each tensor that is adapted, with the shapes of its two factors. Raises ModelError where they are no pairs."""

    def damaged(what: str) -> ModelError:
        return ModelError(
            f"{adapter.path} is no complete LoRA adapter: {what}",
            hint="Download or convert the adapter again.",
            kind="gguf-damaged",
        )

    first: dict[str, tuple[int, ...]] = {}
    second: dict[str, tuple[int, ...]] = {}
    for tensor in adapter.tensors:
        base, _, factor = tensor.name.rpartition(".")
        if factor not in ("lora_a", "lora_b"):
            if tensor.name.endswith("_norm.weight"):
                continue  # llama.cpp passes over these
            raise damaged(f"it has a tensor {tensor.name!r}")
        (first if factor == "lora_a" else second)[base] = tensor.shape
    if not first and not second:
        raise damaged("it has no weights")
    if first.keys() != second.keys():
        lonely = min(first.keys() ^ second.keys())
        raise damaged(f"{lonely} has one factor of two")
    for base, shape in first.items():
        if base != "token_embd.weight" and shape[1:2] != second[base][:1]:
            raise damaged(f"the factors of {base} have different ranks")
    return {base: (shape, second[base]) for base, shape in first.items()}
