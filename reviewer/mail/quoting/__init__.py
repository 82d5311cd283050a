"""From a reply to comments: what is quoted, what is said, and which line it stands under."""
