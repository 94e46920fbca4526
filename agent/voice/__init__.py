"""The voice of the evidence under ``guidelines``: how believable a candidate is for a US coder.

`roles` says what the words of a candidate do in the note, `features` turns that and the scores of
the generators into numbers, `model` weighs them, `training` fits the weights.
"""
