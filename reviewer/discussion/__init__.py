"""What the people of a thread said, beside what the rules say, and what became of both."""
