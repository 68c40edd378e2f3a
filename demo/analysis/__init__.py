"""The panel under the panes: a region's figure, plots, everything as a ZIP.

Imports the engine, the viewer and the parts; the Compare tab imports it.
"""
