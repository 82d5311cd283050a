"""What can go wrong, as a tree.

    ReviewerError           one clear line for the user; exit status 2
    ├── TargetError         the target is none of the forms that `run` knows, or cannot be read
    │   └── NoPatchError    it can be read, and there is no patch in it
    ├── FetchError          the archive did not give the thread
    ├── DiffError           a diff that cannot be read at all
    ├── FactsError          a kernel tree or its tables of facts that cannot be read or written
    └── RuleError           a rule file that cannot be loaded, or a fixture that is not one

The text of each says where, what was found, and what was wanted.
"""


class ReviewerError(Exception):
    """Base of all errors that are shown to the user as one line."""


class TargetError(ReviewerError):
    """A target that cannot be understood or read."""


class NoPatchError(TargetError):
    """Targets that can be read, without a patch."""


class FetchError(ReviewerError):
    """The archive could not be asked, or did not have the thread."""


class DiffError(ReviewerError):
    """A diff of which nothing can be read."""


class FactsError(ReviewerError):
    """A kernel tree that is none, or tables of its facts that cannot be read or written."""


class RuleError(ReviewerError):
    """A rule or a fixture that is not well formed. Names the file and the key."""
