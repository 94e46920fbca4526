"""The learned ranker: one calibrated confidence from everything the generators know of a code."""
