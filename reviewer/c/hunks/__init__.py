"""From hunks to units: cut at column 0, what is hidden made an explicit gap."""
