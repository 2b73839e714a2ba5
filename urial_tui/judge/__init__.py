"""Rubrics, judge prompts, scores, comparisons, agreement, and the board that puts them together."""
