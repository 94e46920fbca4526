"""PLM-ICD: a pretrained encoder with label attention over the codes of a data set.

C.-W. Huang, S.-C. Tsai and Y.-N. Chen, "PLM-ICD: Automatic ICD coding with pretrained language
models", ClinicalNLP 2022, with the flaws of the public code mended: padding takes no part in the
attention, softmax and layer norm are float32, the threshold is tuned on validation notes only.
"""
