"""LLM backends behind one interface: LangChain's chat model plus scoring of closed questions.

`base` holds the interface, `llama_cpp` and `replay` the backends, `registry` turns an LLM spec
into a backend, `catalogue` reads ``models.yaml``, `fetch` puts its models into the cache. Nothing
is imported here, so that listing or fetching models costs no LangChain and no llama.cpp.
"""
