"""Generations: where an answer came from, in columns that can be queried, and its tokens."""

import json
import sys
from array import array
from typing import Any

from urial_tui.errors import StoreError
from urial_tui.store.database.connection import Connection, Row
from urial_tui.store.database.ids import new_id, now, storable
from urial_tui.store.database.json_columns import texts, to_json
from urial_tui.store.messages.messages import get as get_message
from urial_tui.store.types import Generation, GenerationEnd, GenerationStart, Token

_SAMPLING = {
    "temperature": "temperature",
    "top_k": "top_k",
    "top_p": "top_p",
    "min_p": "min_p",
    "repeat_penalty": "repeat_penalty",
    "frequency_penalty": "frequency_penalty",
    "presence_penalty": "presence_penalty",
    "penalty_last_n": "penalty_last_n",
    "seed": "seed_asked",
    "grammar": "grammar",
}
"""Names in `GenerationStart.sampling` and their columns. What is in neither list goes to the JSON column `other`."""

_STOPS = {"fence": "stop_fence", "prefilled": "stop_prefilled"}
_TIMINGS = (
    "load_s",
    "prefill_s",
    "prefix_reused_tokens",
    "first_token_s",
    "decode_s",
    "tokens_per_s",
)
_NULL_MEANS_SOMETHING = {"seed", "grammar", "fence"}


def begin(db: Connection, message_id: str, start: GenerationStart) -> str:
    """Write where the answer `message_id` comes from; returns the id of the generation."""
    generation_id = new_id()
    other = {
        "sampling": {k: v for k, v in start.sampling.items() if k not in _SAMPLING},
        "stops": {k: v for k, v in start.stops.items() if k not in _STOPS and k != "texts"},
    }
    values: dict[str, Any] = {
        "id": generation_id,
        "message_id": message_id,
        "created_at": now(),
        "side": storable(start.side),
        "model_path": storable(start.model_path),
        "model_sha256": start.model_sha256,
        "adapter_path": None if start.adapter_path is None else storable(start.adapter_path),
        "adapter_sha256": start.adapter_sha256,
        "adapter_scale": start.adapter_scale,
        "style": start.style,
        "pack_id": start.pack_id,
        "pack_hash": start.pack_hash,
        **{column: start.sampling.get(key) for key, column in _SAMPLING.items()},
        "stop_texts": to_json(start.stops.get("texts", ())),
        **{column: start.stops.get(key) for key, column in _STOPS.items()},
        "n_ctx": start.n_ctx,
        "prompt_ids": pack_ids(start.prompt_ids),
        "versions": to_json(start.versions),
        "continued_from": start.continued_from,
        "dropped_turns": start.dropped_turns,
        "template_hash": start.template_hash,
        "context": pack_context(start.context),
        "other": to_json({name: extra for name, extra in other.items() if extra}),
    }
    columns = ", ".join(values)
    marks = ", ".join("?" * len(values))
    with db.transaction():
        get_message(db, message_id)
        db.execute(f"INSERT INTO generation ({columns}) VALUES ({marks})", tuple(values.values()))
    return generation_id


def end_generation(db: Connection, message_id: str, generation_id: str, end: GenerationEnd) -> None:
    """Write how a generation ended. Inside the caller's transaction. Raises StoreError (`not-found`)."""
    row = db.row(
        "SELECT other FROM generation WHERE id = ? AND message_id = ?", (generation_id, message_id)
    )
    if row is None:
        raise StoreError(
            f"there is no generation {generation_id} of message {message_id}", kind="not-found"
        )
    other = json.loads(row["other"])
    extra = {k: v for k, v in end.timings.items() if k not in _TIMINGS}
    if extra:
        other["timings"] = extra
    timings = ", ".join(f"{name} = ?" for name in _TIMINGS)
    db.execute(
        "UPDATE generation SET ended_at = ?, finish_reason = ?, prompt_tokens = ?, completion_tokens = ?, seed = ?, "
        f"other = ?, {timings} WHERE id = ?",
        (
            now(),
            end.finish_reason,
            end.prompt_tokens,
            end.completion_tokens,
            end.seed,
            to_json(other),
            *(end.timings.get(name) for name in _TIMINGS),
            generation_id,
        ),
    )


def of_message(db: Connection, message_id: str) -> Generation | None:
    """The newest generation of a message; None for a user's message."""
    row = db.row(
        "SELECT * FROM generation WHERE message_id = ? ORDER BY seq DESC LIMIT 1", (message_id,)
    )
    return _generation(row) if row is not None else None


def tokens_of(db: Connection, message_id: str) -> list[Token]:
    """The tokens of a message's newest generation, in order. Empty for a user's message."""
    rows = db.rows(
        "SELECT * FROM token WHERE generation_seq = "
        "(SELECT seq FROM generation WHERE message_id = ? ORDER BY seq DESC LIMIT 1) ORDER BY i",
        (message_id,),
    )
    return [
        Token(
            i=row["i"],
            token_id=row["token_id"],
            raw=row["raw"],
            text=row["text"],
            visible=row["visible"],
            cut=bool(row["cut"]),
            control=bool(row["control"]),
        )
        for row in rows
    ]


def pack_ids(ids: tuple[int, ...]) -> bytes:
    """Token ids as little-endian int32."""
    values = array("i", ids)
    if sys.byteorder == "big":
        values.byteswap()
    return values.tobytes()


def unpack_ids(blob: bytes) -> tuple[int, ...]:
    values = array("i")
    values.frombytes(blob[: len(blob) // 4 * 4])
    if sys.byteorder == "big":
        values.byteswap()
    return tuple(values)


def pack_context(context: dict[str, Any] | None) -> str | None:
    """Options of a context as a JSON object; NULL where they are not known."""
    return None if context is None else to_json(context)


def unpack_context(text: str | None) -> dict[str, Any] | None:
    return None if text is None else dict(json.loads(text))


def _generation(row: Row) -> Generation:
    other = json.loads(row["other"])
    stops = _present(row, _STOPS)
    stops["texts"] = texts(row["stop_texts"])
    start = GenerationStart(
        side=row["side"],
        model_path=row["model_path"],
        model_sha256=row["model_sha256"],
        adapter_path=row["adapter_path"],
        adapter_sha256=row["adapter_sha256"],
        adapter_scale=row["adapter_scale"],
        style=row["style"],
        pack_id=row["pack_id"],
        pack_hash=row["pack_hash"],
        sampling=_present(row, _SAMPLING) | other.get("sampling", {}),
        stops=stops | other.get("stops", {}),
        n_ctx=row["n_ctx"],
        prompt_ids=unpack_ids(row["prompt_ids"]),
        versions=json.loads(row["versions"]),
        continued_from=row["continued_from"],
        dropped_turns=row["dropped_turns"],
        template_hash=row["template_hash"],
        context=unpack_context(row["context"]),
    )
    end = None
    if row["ended_at"] is not None:
        end = GenerationEnd(
            finish_reason=row["finish_reason"],
            prompt_tokens=row["prompt_tokens"],
            completion_tokens=row["completion_tokens"],
            seed=row["seed"],
            timings={name: row[name] for name in _TIMINGS if row[name] is not None}
            | other.get("timings", {}),
        )
    return Generation(row["id"], row["message_id"], row["created_at"], start, end)


def _present(row: Row, names: dict[str, str]) -> dict[str, Any]:
    return {
        key: row[column]
        for key, column in names.items()
        if row[column] is not None or key in _NULL_MEANS_SOMETHING
    }
