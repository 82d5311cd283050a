"""Reads a kernel patch thread and says, on the hunk lines, what a maintainer would say."""

__version__ = "0.1.0"
