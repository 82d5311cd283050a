"""From C text, whole or in hunks, to functions and what they hold."""
