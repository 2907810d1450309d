"""The one exception for mistakes that a user can mend."""


class UserError(Exception):
    """A mistake a user can mend: one line that names the file or key, what is wrong and what to do."""
