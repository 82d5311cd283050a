"""What is asked of a mail archive, and what its answers mean. Only mail.fetch asks."""
