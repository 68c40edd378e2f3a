"""The Blind test tab: drawing trials, showing them unnamed, keeping votes, telling results.

Imports the examples and the parts; `demo.page` and `app` import it.
"""
