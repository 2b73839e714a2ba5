"""Batch runs: an instruction set answered by one or more sides, an item at a time, resumed after any interruption."""
