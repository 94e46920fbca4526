"""What ICD says: code systems, instructional notes, rules, guideline cards, note text.

Nothing in here loads a model. Imports point one way: knowledge <- indexes <- agent <- eval.
"""
