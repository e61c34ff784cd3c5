"""What export raises."""


class ExportError(RuntimeError):
    """A model that cannot be exported faithfully; the message says where and why."""
