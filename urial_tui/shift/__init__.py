"""Token shift: what a reference model makes of each token that a generator wrote.

`statistics` compares logit rows with NumPy (used inside the engine process only); `records` are the values that
travel and are stored; `classes` and `summary` are plain Python over records. No I/O, nothing of the rest of the
program is imported here.
"""
