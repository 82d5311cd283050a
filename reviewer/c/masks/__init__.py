"""Kernel spellings masked to C that the grammar reads, every offset kept."""
