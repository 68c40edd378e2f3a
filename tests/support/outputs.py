"""The components of the tab "Compare" by their names, for handlers that run without a page."""

from demo.compare.outputs import Outputs

OUTPUTS = Outputs(*Outputs.__dataclass_fields__)
NOTHING = OUTPUTS.nothing()
