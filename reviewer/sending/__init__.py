"""Patches that are about to be sent: which they are, and the hooks and keys that ask us first."""
