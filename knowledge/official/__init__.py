"""Readers of the official ICD-10-CM files (CDC/NCHS) that a user downloads.

None of the files is shipped. `knowledge.official.folder` finds them in a folder of the user's, the
readers turn them into typed records, and ``icd-agent index build --cdc DIR`` indexes those.
"""
