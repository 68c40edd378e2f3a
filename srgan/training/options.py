"""A field of a training config that is also an argument of the command line."""

from dataclasses import MISSING, field
from typing import Any

FILES, BUDGET, RECIPE = "files", "budget and learning rate", "recipe"
LOSS, GAN = "loss of the generator", "adversarial training"
MACHINE, REPORTS = "machine", "reports"
GROUPS = (FILES, BUDGET, RECIPE, LOSS, GAN, MACHINE, REPORTS)


def option(group: str, text: str, default: Any = MISSING, **argument: Any) -> Any:  # noqa: ANN401
    """Field of a config that is also an argument; a default that says something is shown."""
    if default is MISSING:
        return field(metadata={"group": group, "help": text, "required": True, **argument})
    if default is False:
        argument["action"] = "store_true"
    elif default is not None:
        argument.setdefault("type", type(default))
        text += " [%(default)s]"
    return field(default=default, metadata={"group": group, "help": text, **argument})
