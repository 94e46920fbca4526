"""The HTTP interface of ``icd-agent serve``: look-ups, rule checks and coding for other programs.

`gate` decides whether a request comes in, `routes` and `coding_routes` answer it, `workbench` has
the one coder and its thread, `jobs` keeps batches, `errors` puts every refusal into one shape,
`server` is the process. No request chooses the LLM, and no log holds words of a user.
"""
