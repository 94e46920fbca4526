"""``icd-agent serve``: the coder's page, and look-ups, rule checks and coding for other programs.

`gate` decides whether a request comes in, `routes`, `coding_routes`, `thread_routes` and
`turn_routes` answer it, `workbench` has the one coder and its thread, `jobs` keeps batches,
`threads` the conversations of `agent.chat`, `errors` puts every refusal into one shape, `server` is
the process. `page` gives the files of the folder of that name, which use no other paths than these.
No request chooses the LLM, and no log holds words of a user.
"""
