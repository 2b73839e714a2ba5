"""Rows to put into a store in tests."""

from dataclasses import replace

from urial_tui.store.store import Store
from urial_tui.store.types import GenerationEnd, GenerationStart, Status, Token

START = GenerationStart(
    side="demo@urial-general",
    model_path="/models/m.gguf",
    model_sha256="ab" * 32,
    adapter_path="/models/a.gguf",
    adapter_sha256=None,
    adapter_scale=0.5,
    style="urial-general",
    pack_id="urial-general",
    pack_hash="cd" * 32,
    sampling={
        "temperature": 0.0,
        "top_k": 40,
        "top_p": 0.9,
        "min_p": 0.05,
        "repeat_penalty": 1.1,
        "frequency_penalty": 0.0,
        "presence_penalty": 0.0,
        "penalty_last_n": -1,
        "seed": None,
        "grammar": None,
        "something_new": [1, 2],
    },
    stops={"texts": ("# Query:",), "fence": "```", "prefilled": "", "later": 1},
    n_ctx=4096,
    prompt_ids=(2, 262143, -1),
    versions={"urial-tui": "0.1.0", "llama-cpp-python": "0.3.36"},
    continued_from=None,
    dropped_turns=1,
    template_hash="ef" * 32,
    context={
        "device": "CPU",
        "gpu_layers": 0,
        "n_threads": 2,
        "n_batch": 512,
        "flash_attention": "auto",
        "kv_type": "f16",
    },
)

END = GenerationEnd(
    finish_reason="stop",
    prompt_tokens=3,
    completion_tokens=2,
    seed=4294967295,
    timings={"prefill_s": 1.5, "prefix_reused_tokens": 7, "tokens_per_s": 41.5, "shiny_s": 0.25},
)


def tokens(first: int, n: int, text: str = " word") -> list[Token]:
    return [
        Token(i, 1000 + i, text.encode(), text, len(text.encode())) for i in range(first, first + n)
    ]


def say(
    store: Store,
    session: str,
    parent: str | None,
    question: str,
    text: str,
    side: str = "demo@urial-general",
    status: Status = "complete",
    end: GenerationEnd = END,
) -> str:
    """A question and its answer at the end of a branch; the id of the answer."""
    user = store.add_user_message(session, parent, question)
    begun = store.begin_answer(session, user.id)
    generation = store.begin_generation(begun.id, replace(START, side=side))
    store.finish_answer(begun.id, generation, status, end, tail=text)
    store.set_leaf(session, begun.id)
    return begun.id
