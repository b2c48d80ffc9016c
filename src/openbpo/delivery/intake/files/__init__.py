"""Files of rows: CSV, workbooks, JSON lines and XES, plain or gzip, read in bounded memory."""
