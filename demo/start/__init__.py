"""The start of the demo: its address, its folders, its process.

Gradio reads the environment while it is imported: `address` and `folders`, which set it, come first
and do without it.
"""


class StartError(Exception):
    """The demo cannot start; says in one line why, and what to do."""
