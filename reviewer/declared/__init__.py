"""What a declarative rule is made of: its keys, conditions and paths, and how it is judged."""
