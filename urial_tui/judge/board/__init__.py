"""The board: what answers and their scores come to, read from the history and put together."""
