"""Data sets, metrics and reports. Import from the submodules; never a bare ``import eval``."""
