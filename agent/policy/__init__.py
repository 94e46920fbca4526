"""The coding policy ``guidelines``: small steps over the proposals of a note, each with its card.

`agent.nodes.policy` lists the steps in their order; what only a reading of the note can decide is
left to `agent.nodes.judge`.
"""
