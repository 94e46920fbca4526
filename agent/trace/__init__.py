"""Reasoning traces: events, the recorder that a run writes to, and the reader."""
