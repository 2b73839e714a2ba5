"""The history: one SQLite file, written while answers stream. The only place in the program that touches SQLite."""
