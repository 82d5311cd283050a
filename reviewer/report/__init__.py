"""What a review looks like: one `render` for each format."""
