"""The reasoning: a LangGraph agent over the candidates, its LLM backends, tools and trace."""
