"""The coder's conversation: a graph over a session, its answers, and where threads are kept."""
