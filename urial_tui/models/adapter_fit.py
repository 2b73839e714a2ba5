"""Whether a LoRA adapter fits a model, as far as the headers of both tell.

For `resolve`, before anything is loaded, and for the search for partners.
"""

from urial_tui.errors import ModelError
from urial_tui.models.gguf_header import GgufHeader


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
    for tensor in adapter.tensors:
        base, _, factor = tensor.name.rpartition(".")
        if factor not in ("lora_a", "lora_b") or base == "token_embd.weight" or model.split_count:
            continue
        shape = shapes.get(base, ())
        side = 0 if factor == "lora_a" else 1
        if len(shape) < 2 or len(tensor.shape) < 2 or tensor.shape[side] != shape[side]:
            raise ModelError(
                f"the adapter {adapter.path} does not fit {model.path}: {base} is "
                + ("missing there" if not shape else "of another size"),
                hint="Use the adapter with the model that it was trained on.",
                kind="adapter-mismatch",
            )
