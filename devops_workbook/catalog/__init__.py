"""What the world offers, as facts: services, SLAs, prices, regions, controls, principles.

`load()` returns the packaged `Catalog`, with a company's own prices over it where it names some (overlay.py).
FORMAT.md beside this file says what each data file holds. Nothing above this layer knows a price or a provider's name
by heart; nothing in it knows what a design needs.
"""

from devops_workbook.catalog.loader import PRICES_VARIABLE, CatalogError, load
from devops_workbook.catalog.model import Catalog
from devops_workbook.catalog.overlay import OverlayError

__all__ = ["PRICES_VARIABLE", "Catalog", "CatalogError", "OverlayError", "load"]
