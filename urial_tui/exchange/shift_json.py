"""Compared answers as JSON, and read back: one object an answer, the same in `--json`, `--jsonl` and `--output`.

JSON has no NaN and no infinity: such numbers are null. `hex` holds a token's bytes as they are, `text` what of them can
be read, so that the texts of all tokens together are the answer.
"""

import codecs
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from urial_tui.chat.shift_result import ShiftResult
from urial_tui.shift.classes import is_near_tie, token_class
from urial_tui.shift.records import Alternatives, GeneratorScore, ReferenceScore, TokenScore
from urial_tui.shift.summary import (
    EARLY,
    Summary,
    early_and_late,
    most_shifted,
    summarise,
    top_agreement,
)
from urial_tui.store.types import TraceSide

Json = dict[str, Any]


@dataclass(frozen=True)
class Item:
    """What aggregates and pages need of one compared answer, from a result or from a stored line."""

    index: int
    query: str
    record: Json
    scores: tuple[TokenScore, ...]
    pieces: dict[int, bytes] = field(default_factory=dict)


def finite(value: Any) -> Any:
    """The value with every number that JSON cannot hold as null, and integer keys as text."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): finite(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [finite(entry) for entry in value]
    return value


def texts(shown: Sequence[bytes]) -> list[str]:
    """Each token's readable text; a character is told with the token that completes it."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    found = [decoder.decode(raw) for raw in shown]
    if found:
        found[-1] += decoder.decode(b"", final=True)
    return found


def result_json(result: ShiftResult) -> Json:
    """The whole answer: sides, tokens, counts and ratios, timings, provenance."""
    named = zip(result.scores, texts(result.shown), result.raw, strict=True)
    noises = [side.noise for side in result.references]
    record: Json = {
        "query": result.query[-1].text if result.query else "",
        "text": result.text,
        "finish_reason": result.finish_reason,
        "generator": _side_head(result.generator) if result.generator else None,
        "references": [_reference_json(result, n) for n in range(len(result.references))],
        "tokens": [_token_json(score, text, raw, noises) for score, text, raw in named],
        "pieces": {id_: raw.hex() for id_, raw in sorted(result.pieces.items())},
        "path": "canonical",
        "timings": result.timings,
        "provenance": _provenance(result),
    }
    if len(result.query) > 1:
        record["turns"] = [{"role": turn.role, "text": turn.text} for turn in result.query]
    checked = finite(record)
    assert isinstance(checked, dict)
    return checked


def item_of(index: int, result: ShiftResult, head: Json) -> Item:
    """The item of a new result; `head` is put before the record's own keys (fingerprint, index, id)."""
    record = head | result_json(result)
    return Item(index, record["query"], record, result.scores, result.pieces)


def _side_head(side: TraceSide) -> Json:
    return {
        "side": side.side,
        "prompt_ids": list(side.prompt_ids),
        "noise": side.noise,
        "null_rate": side.null_rate,
    }


def _reference_json(result: ShiftResult, n: int) -> Json:
    side, error = result.references[n], result.errors[n]
    return {
        **_side_head(side),
        **reference_aggregates([result.scores], result.pieces, n, side.noise),
        "warnings": list(result.warnings[n]),
        "error": error.as_dict() if error else None,
    }


def reference_aggregates(
    answers: Sequence[Sequence[TokenScore]],
    pieces: dict[int, bytes],
    n: int,
    noise: float | None,
) -> Json:
    """Pooled numbers of one reference over some answers."""
    pooled = [token for answer in answers for token in answer]
    early, late = early_and_late(answers, n, noise=noise)
    return {
        **summary_json(summarise(pooled, n, noise=noise)),
        "emitted": summary_json(summarise(pooled, n, noise=noise, lane="emitted")),
        "top_agreement": top_agreement(pooled, n),
        "early": {"positions": [0, EARLY - 1], **summary_json(early)},
        "late": {"positions": [EARLY, None], **summary_json(late)},
        "most_shifted": [
            {
                "id": token.id,
                "text": pieces.get(token.id, b"").decode("utf-8", "replace"),
                "hex": pieces.get(token.id, b"").hex(),
                "shifted": token.shifted,
                "occurrences": token.occurrences,
                "share": token.share,
            }
            for token in most_shifted(pooled, n)
        ],
    }


def summary_json(summary: Summary) -> Json:
    return {
        "counts": dict(summary.counts),
        "ratios": summary.ratios,
        "near_ties": summary.near_ties,
        "ratios_without_near_ties": summary.ratios_without_near_ties,
        "mean_kl": summary.mean_kl,
        "unscored": summary.unscored,
    }


def _token_json(token: TokenScore, text: str, raw: bytes, noises: Sequence[float | None]) -> Json:
    mine = token.generator
    record: Json = {
        "i": token.i,
        "id": token.id,
        "text": text,
        "hex": raw.hex(),
        "logprob": mine.logprob if mine else None,
        "entropy": mine.entropy if mine else None,
        "rank": mine.rank if mine else None,
        "argmax_id": mine.argmax_id if mine and mine.top else None,
        "top": _top(mine.top) if mine else None,
        "references": [
            _score_json(token, n, score, noises[n]) for n, score in enumerate(token.references)
        ],
    }
    return record | {name: True for name in ("control", "cut") if getattr(token, name)}


def _score_json(
    token: TokenScore, n: int, score: ReferenceScore | None, noise: float | None
) -> Json | None:
    if score is None:
        return None
    return {
        "logprob": score.logprob,
        "entropy": score.entropy,
        "rank": score.rank,
        "argmax_rank": score.argmax_rank,
        "class": token_class(token, n, "class"),
        "emitted_class": token_class(token, n, "emitted"),
        "kl": score.kl,
        "near_tie": None if token.control else is_near_tie(score, noise),
        "margin": score.margin,
        "emitted_margin": score.emitted_margin,
        "top": _top(score.top),
    }


def _top(top: Alternatives) -> list[list[float]]:
    return [[id_, logprob] for id_, logprob in top]


def _provenance(result: ShiftResult) -> Json:
    return {
        "generator": _side_provenance(result.generator) if result.generator else None,
        "references": [_side_provenance(side) for side in result.references],
        "sampling": result.sampling,
        "top_k": result.top_k,
        "vocabulary": {"fingerprint": result.vocabulary, "n_common": list(result.n_common)},
        "versions": result.versions,
    }


def _side_provenance(side: TraceSide) -> Json:
    names = (
        "side", "model_path", "model_sha256", "adapter_path", "adapter_sha256", "adapter_scale",
        "style", "pack_id", "pack_hash", "template_hash", "n_ctx",
    )  # fmt: skip
    return {name: getattr(side, name) for name in names} | (side.context or {})


# --- reading back -----------------------------------------------------------------------------------------------------


def read_item(record: Json) -> Item:
    """The item of a stored line. Raises ValueError when it is not one that `result_json` wrote."""
    try:
        return Item(
            index=int(record["index"]),
            query=str(record["query"]),
            record=record,
            scores=tuple(_token(token) for token in record["tokens"]),
            pieces={int(id_): bytes.fromhex(raw) for id_, raw in record["pieces"].items()},
        )
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(f"{type(error).__name__}: {error}") from error


def _token(token: Json) -> TokenScore:
    mine = None
    if token["rank"] is not None:
        mine = GeneratorScore(
            _number(token["logprob"]),
            _number(token["entropy"]),
            int(token["rank"]),
            _alternatives(token["top"]),
        )
    return TokenScore(
        i=int(token["i"]),
        id=int(token["id"]),
        generator=mine,
        references=tuple(_score(score) for score in token["references"]),
        control=token.get("control", False) is True,
        cut=token.get("cut", False) is True,
    )


def _score(score: Json | None) -> ReferenceScore | None:
    if score is None:
        return None
    kl, rank, margin = score["kl"], score["argmax_rank"], score["margin"]
    return ReferenceScore(
        logprob=_number(score["logprob"]),
        entropy=_number(score["entropy"]),
        rank=int(score["rank"]),
        emitted_margin=_number(score["emitted_margin"], math.inf),
        argmax_rank=None if rank is None else int(rank),
        margin=None if rank is None else _number(margin, math.inf),
        kl=None if kl is None else float(kl),
        top=_alternatives(score["top"]),
    )


def _number(value: Any, otherwise: float = -math.inf) -> float:
    """A number that was not finite comes back as what it most likely was: probability zero, no competitor."""
    return otherwise if value is None else float(value)


def _alternatives(top: Any) -> Alternatives:
    return tuple((int(id_), _number(logprob)) for id_, logprob in top)
