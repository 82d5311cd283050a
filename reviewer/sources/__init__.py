"""Where rules come from, and which of them run."""
