"""Documents that are taken along: as PDF and as a workbook."""
