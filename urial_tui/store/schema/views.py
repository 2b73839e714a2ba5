"""Views of step 6: what people ask most, as one table."""

# The name of the model's file: what is after the last slash. shown_trace has one row an answer at most.
ANSWER = """
CREATE VIEW answer AS
SELECT
  m.id AS message_id, m.session_id, s.title, s.run_id, m.created_at, m.status,
  q.content AS question, m.content AS answer,
  g.side, g.style, g.pack_id,
  replace(g.model_path, rtrim(g.model_path, replace(g.model_path, '/', '')), '') AS model, g.model_sha256,
  g.finish_reason, g.prompt_tokens, g.completion_tokens, g.first_token_s, g.tokens_per_s,
  r.side AS reference, c.unshifted, c.marginal, c.shifted, c.kl_sum / nullif(c.n_kl, 0) AS mean_kl,
  (SELECT avg(x.score) FROM judgement j JOIN judgement_score x ON x.judgement_seq = j.seq
    WHERE j.message_id = m.id) AS mean_score,
  (SELECT count(x.score) FROM judgement j JOIN judgement_score x ON x.judgement_seq = j.seq
    WHERE j.message_id = m.id) AS n_scores
FROM message m
JOIN session s ON s.id = m.session_id AND s.deleted_at IS NULL
LEFT JOIN message q ON q.id = m.parent_id
LEFT JOIN generation g ON g.seq = (SELECT max(seq) FROM generation WHERE message_id = m.id)
LEFT JOIN shown_trace n ON n.message_id = m.id
LEFT JOIN trace t ON t.id = n.trace_id
LEFT JOIN trace_side r ON r.trace_seq = t.seq AND r.number = 0
LEFT JOIN shift_total c ON c.side_seq = r.seq
WHERE m.role = 'assistant'
"""

STATEMENTS = (ANSWER,)
