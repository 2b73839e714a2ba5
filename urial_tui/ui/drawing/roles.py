"""Who wrote a message, in a word."""

ROLES = {"user": "You", "assistant": "Model"}
