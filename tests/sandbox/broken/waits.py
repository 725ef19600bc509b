"""A module whose import takes long, as on a machine that does other things."""

import time

time.sleep(120)
