class NotebookError(Exception):
    """A notebook that does not do what it should; the message says where."""
