"""A disk without room, in words."""

import errno

FULL = "There is no room left on this server's disk. Please try again in an hour."
FULL_DISK = errno.ENOSPC, errno.EDQUOT, errno.EFBIG
