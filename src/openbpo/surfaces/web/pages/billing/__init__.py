"""Billing: the month-end board, a month's money, its disputes, and what was issued."""

from openbpo.surfaces.web.pages.billing import boards, disputes, downloads, invoices, months

__all__ = ["boards", "disputes", "downloads", "invoices", "months"]
