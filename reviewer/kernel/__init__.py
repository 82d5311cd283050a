"""What a kernel tree says of its functions: read by layout, file by file, for the facts tables."""
