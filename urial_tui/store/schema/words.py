"""What each table and column of the history means, in words. `history schema` and docs/schema.md are made of them; a
test fails where a table or a column has none. `schema_words_judging` has those of runs and judgements.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Words:
    """About a table or view, and each column of it. Without columns: the table is nobody else's business."""

    about: str
    columns: dict[str, str] = field(default_factory=dict)


SEQ = "the row's number: orders rows by age, otherwise private"
SIDE = {
    "side": "who wrote it, as MODEL[+ADAPTER[:SCALE]][@STYLE]",
    "style": "the style, or the id of the pack",
    "pack_id": "the prompt pack; NULL without one",
    "pack_hash": "sha256 of the pack's file",
    "template_hash": "sha256 of the chat template; NULL without one",
    "model_path": "the model's file",
    "model_sha256": "its sha256; NULL: not known yet",
    "adapter_path": "the adapter's file; NULL without one",
    "adapter_sha256": "its sha256; NULL: not known yet",
    "adapter_scale": "how strongly the adapter was applied",
    "n_ctx": "size of the context, in tokens",
    "context": (
        "a JSON object: the other options of the context that change numbers, `device`, `gpu_layers` (how many were "
        "really offloaded), `n_threads`, `n_batch`, `flash_attention`, `kv_type`; NULL: not known"
    ),
    "prompt_ids": "the exact prompt: token ids as little-endian 32-bit integers, one after the other",
}
LOCK = {
    "pid": "the process that writes it",
    "host": "the machine that the process is on",
    "started": "when the process began, as its system tells",
    "program": "which program it is",
    "since": "when the lock was taken",
}
DISTRIBUTION = {
    "logprob": "log-probability of the token, in nats",
    "entropy": "entropy of the distribution, in nats",
    "rank": "rank of the token, from 1",
    "top": (
        "the most probable tokens, the most probable first: pairs of a little-endian int32 (token id) and float32 "
        "(log-probability)"
    ),
}
CONTROL = "1: a control token such as end-of-turn; not counted in ratios"
CUT = "1: a stop text began inside it; not counted in ratios"

CONVERSATIONS = {
    "session": Words(
        "a conversation",
        {
            "seq": SEQ,
            "id": "26 characters that sort by time",
            "title": "the first user message, until you rename it",
            "side": "who answers, as MODEL[+ADAPTER[:SCALE]][@STYLE]",
            "created_at": "when it was begun",
            "updated_at": "the last time that a message was written; renaming, tags and the like do not change it",
            "leaf_id": "the message at the end of the branch that was last on screen",
            "archived": "1: hidden from the list",
            "run_id": "the run that it is of; NULL for your own. Lists and searches leave those of runs out",
            "pinned": "1: at the top of the list",
            "deleted_at": "when it was put into the bin; NULL: it is not there. Lists and searches leave the bin out",
            "origin": "a JSON object: where it was imported from; `{}` for a conversation of this program",
        },
    ),
    "session_tag": Words(
        "the tags of conversations, one row each",
        {"session_id": "the conversation", "tag": "in small letters, without commas"},
    ),
    "message": Words(
        "the messages, a tree: each row points to the one it follows",
        {
            "seq": SEQ,
            "id": "26 characters that sort by time",
            "session_id": "the conversation",
            "parent_id": "the message it follows; NULL for a first one. Rows with the same parent are alternatives",
            "role": "`user` or `assistant`",
            "content": "the whole text, raw: sanitise it before you print it to a terminal",
            "status": "`complete`, `stopped`, `interrupted` or `failed`",
            "created_at": "when it was begun",
            "closed_at": "when it ended; NULL as long as the answer may still grow",
            "prefill": "the beginning of the answer that the user wrote; `content` includes it",
            "error": "why a `failed` answer failed",
        },
    ),
    "generation": Words(
        "where an answer came from, one row an answer",
        {
            "seq": SEQ,
            "id": "26 characters that sort by time",
            "message_id": "the answer",
            "created_at": "when it was begun",
            "ended_at": "NULL for an answer that was cut off by a crash",
            **SIDE,
            "temperature": "sampling; 0: greedy",
            "top_k": "sampling",
            "top_p": "sampling",
            "min_p": "sampling",
            "repeat_penalty": "sampling; 1: none",
            "frequency_penalty": "sampling; 0: none",
            "presence_penalty": "sampling; 0: none",
            "penalty_last_n": "how many of the last tokens the penalties count",
            "seed_asked": "the seed that was asked for; NULL: any",
            "grammar": "the grammar that the answer had to follow; NULL: none",
            "stop_texts": "a JSON array: the texts that end an answer",
            "stop_fence": "the fence that ends an answer; NULL: none",
            "stop_prefilled": "what of the fence the prompt had already",
            "versions": "a JSON object: program, llama-cpp-python, ...",
            "continued_from": "the message whose tokens this answer goes on from; NULL: none",
            "dropped_turns": "oldest turns that were left out because the context was full",
            "finish_reason": "`stop`, `eog`, `length`, `cancelled` or `error`",
            "prompt_tokens": "how many tokens the prompt had",
            "completion_tokens": "how many were written",
            "seed": "the seed that was used",
            "load_s": "seconds to load the model",
            "prefill_s": "seconds to read the prompt",
            "prefix_reused_tokens": "tokens of the prompt that needed no reading",
            "first_token_s": "seconds from the request to the first token",
            "decode_s": "seconds to write the tokens",
            "tokens_per_s": "tokens a second",
            "other": "a JSON object with what has no column yet",
        },
    ),
    "token": Words(
        "the tokens of an answer, in the order of `i`",
        {
            "generation_seq": "`generation.seq`",
            "i": "counts from 0",
            "token_id": "the id in the model's vocabulary",
            "raw": "its bytes, which are the truth",
            "text": "what became readable with it; empty for half a character",
            "visible": "how many of the bytes are part of the answer",
            "cut": "1: a stop text began inside it",
            "control": "1: a control token such as end-of-turn",
        },
    ),
    "answer": Words(
        "a view to begin with: one row an answer, with its question, where it came from and how it was rated; not of "
        "conversations in the bin",
        {
            "message_id": "the answer",
            "session_id": "the conversation",
            "title": "its title",
            "run_id": "the run that it is of; NULL for your own conversations",
            "created_at": "when it was begun",
            "status": "as in **message**",
            "question": "the message that it follows",
            "answer": "its text, raw",
            "side": "who wrote it",
            "style": "the style, or the id of the pack",
            "pack_id": "the prompt pack; NULL without one",
            "model": "the name of the model's file",
            "model_sha256": "its sha256; NULL: not known",
            "finish_reason": "as in **generation**",
            "prompt_tokens": "how many tokens the prompt had",
            "completion_tokens": "how many were written",
            "first_token_s": "seconds to the first token",
            "tokens_per_s": "tokens a second",
            "reference": "the first reference of the trace that counts; NULL without one, like the next four",
            "unshifted": "how many tokens are of this class",
            "marginal": "likewise",
            "shifted": "likewise",
            "mean_kl": "mean of KL(generator ‖ reference), in nats",
            "mean_score": "mean over all aspects of all judgements; NULL without a score",
            "n_scores": "of how many scores that mean is",
        },
    ),
    "draft": Words(
        "unsent text: one a conversation, and one for the conversation that does not exist yet",
        {
            "slot": "the conversation's id, or `new`",
            "session_id": "the conversation; NULL for `new`",
            "text": "what was typed",
            "updated_at": "when it was kept",
            "beginning": "what the answer shall begin with; empty: nothing",
        },
    ),
    "session_lock": Words(
        "which program writes a conversation now", {"session_id": "the conversation", **LOCK}
    ),
    "session_side": Words(
        "which sides and packs have answered in a conversation; a trigger writes it",
        {
            "side": "as in **generation**",
            "pack_id": "empty without a pack",
            "session_id": "the conversation",
        },
    ),
    "message_fts": Words(
        "the search index over messages that have ended (FTS5)", {"content": "the text"}
    ),
    "session_fts": Words("the search index over titles (FTS5)", {"title": "the title"}),
    "message_closed": Words(
        "a view: the messages that the search index is about",
        {"seq": "`message.seq`", "content": "the text"},
    ),
    "migration": Words(
        "the schema steps that the file has been through",
        {
            "version": "the step",
            "name": "its name",
            "applied_at": "when",
            "program": "by which program",
        },
    ),
}

TRACES = {
    "trace": Words(
        "what reference models made of an answer, token by token; an answer may have several",
        {
            "seq": SEQ,
            "id": "26 characters that sort by time",
            "message_id": "the answer",
            "generation_seq": "`generation.seq`; NULL for a text that was not generated",
            "path": (
                "`live`: the generator's numbers are from decoding token by token; `canonical`: both sides' are from "
                "the same batches"
            ),
            "created_at": "when it was begun",
            "ended_at": "NULL while it is written, and after a crash",
            "complete": "1: every token of the answer has been scored",
            "top_k": "how many alternatives are kept of each side",
            "vocabulary_seq": "`vocabulary.seq`: the generator's vocabulary",
            "n_common": "how many of its ids are compared",
            "timings": "a JSON object, in seconds",
            "versions": "a JSON object: program, llama-cpp-python, ...",
        },
    ),
    "trace_side": Words(
        "the sides of a trace",
        {
            "seq": SEQ,
            "trace_seq": "`trace.seq`",
            "number": "-1: the generator (there is none where a text was scored without one); 0, 1, ...: references",
            "role": "`generator` or `reference`",
            **SIDE,
            "noise": "the change in margins between the two paths, measured on this machine; NULL: not measured",
            "null_rate": "share of tokens not unshifted against itself, measured likewise",
            "error": "why scores of this side are missing",
        },
    ),
    "scored_token": Words(
        "the tokens of a trace, with what the generator's own distribution says about them",
        {
            "trace_seq": "`trace.seq`",
            "i": "that of the answer's **token**",
            "token_id": "the id in the model's vocabulary",
            "control": CONTROL,
            "cut": CUT,
            **DISTRIBUTION,
            "logprob": "log-probability of the token, in nats; NULL, like the next three, where there is no score",
        },
    ),
    "reference_token": Words(
        "what a reference says about a token of a trace; no row: it has no score for it",
        {
            "side_seq": "`trace_side.seq`",
            "i": "the token is the row of **scored_token** with the same `i`",
            **DISTRIBUTION,
            "emitted_margin": "how far, in log-probability, the token is from the competitor that decides its class",
            "argmax_rank": "the rank of the generator's most probable token; NULL without a generator",
            "margin": "as `emitted_margin`, of the generator's most probable token",
            "kl": "KL(generator ‖ reference) over the common vocabulary, in nats; NULL without a generator",
        },
    ),
    "token_shift": Words(
        "a view: one row for each token and reference of each trace, ready to be counted; join it with **shown_trace**",
        {
            "message_id": "the answer",
            "trace_id": "the trace",
            "path": "as in **trace**",
            "generator": "the generator's side; NULL where there is none",
            "reference_number": "which reference, from 0",
            "reference": "its side",
            "i": "that of the answer's **token**",
            "token_id": "the id in the model's vocabulary",
            "raw": "its bytes",
            "control": CONTROL,
            "cut": CUT,
            "class": (
                "`unshifted` (rank 1), `marginal` (2 or 3), `shifted` (above 3) by `argmax_rank`, else by "
                "`reference_rank`; `control`; NULL: no score"
            ),
            "emitted_class": "the same by `reference_rank`: of the token that was written",
            "near_tie": "1: `class` could fall the other way within the reference's noise; NULL: not measured",
            "kl": "as in **reference_token**",
            "generator_logprob": "as `logprob` in **scored_token**",
            "reference_logprob": "as `logprob` in **reference_token**",
            "generator_entropy": "as `entropy` in **scored_token**",
            "reference_entropy": "as `entropy` in **reference_token**",
            "generator_rank": "as `rank` in **scored_token**",
            "reference_rank": "as `rank` in **reference_token**",
            "argmax_rank": "as in **reference_token**",
        },
    ),
    "shown_trace": Words(
        "a view: the trace that counts for an answer, the newest complete one, or else the newest that has scores",
        {"message_id": "the answer", "trace_id": "`trace.id`"},
    ),
    "shift_total": Words(
        "the classes of each reference, counted once, for the trace that counts for an answer, when that has ended: "
        "the sums of **token_shift**, cut tokens left out",
        {
            "side_seq": "`trace_side.seq`",
            "session_id": "the conversation",
            "unshifted": "tokens of this class",
            "marginal": "likewise",
            "shifted": "likewise",
            "control": "control tokens",
            "n_scored": "tokens with a score of this reference",
            "kl_sum": "sum of `kl`",
            "n_kl": "of how many tokens",
        },
    ),
    "vocabulary": Words(
        "vocabularies of models; they stay when conversations are deleted",
        {
            "seq": SEQ,
            "fingerprint": "which vocabulary it is",
            "n_vocab": "how many ids it has",
        },
    ),
    "piece": Words(
        "the bytes of token ids that occur in traces, kept once for all of them",
        {"vocabulary_seq": "`vocabulary.seq`", "token_id": "the id", "raw": "its bytes"},
    ),
}
