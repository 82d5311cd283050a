"""The walk over a function that says which locks are held where."""
