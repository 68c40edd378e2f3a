"""Requests by hand, with time for a busy machine."""

from functools import partial

import httpx
from support.states import PATIENCE

get, post = (partial(method, timeout=PATIENCE) for method in (httpx.get, httpx.post))
