"""Data sets of coded notes: the row they share, and one module for each source."""
