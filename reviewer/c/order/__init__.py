"""In which order the expressions of a function run: a graph of steps, made from its syntax tree."""
