"""Invoices that are issued: numbered, frozen, cancelled by credit notes, paid."""
