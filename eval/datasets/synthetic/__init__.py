"""Made-up releases in the form of MIMIC-III, MIMIC-IV and MDACE.

They have the folders, columns and quoting of the real ones and any number of rows, so that whoever
has no access to MIMIC can run everything that reads it. Patients, stays and notes are drawn at
random from lists of codes and sentences of our own: nothing can be learned from them about medicine
or coding.
"""
