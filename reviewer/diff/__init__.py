"""From a diff to files, hunks and the text before and after."""
