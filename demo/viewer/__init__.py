"""The linked panes: what they show as data, and the component that a browser runs.

Imports the engine, the parts and srgan's images; the tabs import it.
"""
