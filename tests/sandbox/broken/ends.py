"""A module that ends Python when it is imported, as a broken native library does."""

import os

os._exit(7)
