"""From mails to the series and revisions that they belong to."""
