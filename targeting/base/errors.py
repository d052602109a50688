"""The error that a user can mend."""


class DataError(ValueError):
    """Data or parameters that the pipeline cannot use.

    The message says what was found, where, and what to do; a stage prints it as its last line and exits with 1.
    """
