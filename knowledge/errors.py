"""The one exception for mistakes a user can mend.

Everything that a user can put right (a wrong path, an unknown code, a missing model file) raises
`UserError`; the command line prints it as one line and exits with status 2, without a traceback.
Any other exception is a defect of ours and keeps its traceback.
"""


class UserError(Exception):
    """Something the user can mend: what failed, the value, what is allowed, the repairing command.

    Args:
        message: What failed, the offending value and the valid options, in one sentence.
        fix: The command or action that mends it; printed after the message.
    """

    exit_code = 2

    def __init__(self, message: str, *, fix: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix

    def __str__(self) -> str:
        return f"{self.message.rstrip('.')}. Fix: {self.fix}" if self.fix else self.message
