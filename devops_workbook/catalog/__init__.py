"""What the world offers, as facts: services, SLAs, prices, regions, controls, principles.

`load()` returns the packaged `Catalog`. FORMAT.md beside this file says what each data file holds. Nothing
above this layer knows a price or a provider's name by heart; nothing in it knows what a design needs.
"""

from devops_workbook.catalog.loader import CatalogError, load
from devops_workbook.catalog.model import Catalog

__all__ = ["Catalog", "CatalogError", "load"]
