"""Reading a function: its declarations, calls, field accesses and assignments."""
