"""How the events of the page are queued."""

LIGHT = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
# Only a queued event tells the browser that a state has changed.
LIGHT_QUEUED = LIGHT | {"queue": True}
# The networks; the dial's steps take turns with those of a comparison.
HEAVY = {"concurrency_id": "model", "concurrency_limit": 1}
HEAVY_DIAL = {"concurrency_id": "dial", "concurrency_limit": 4}
NETWORKS = {HEAVY["concurrency_id"], HEAVY_DIAL["concurrency_id"]}
# Reading and scoring 4 megapixels takes seconds: not beside each other, but beside the networks.
SCORING = {"concurrency_id": "scoring", "concurrency_limit": 1, "api_visibility": "private"}
