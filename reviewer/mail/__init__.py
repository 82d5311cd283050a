"""From mails to revisions of a patch series."""
