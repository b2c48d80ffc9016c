"""Connection, transaction, migrations, idempotency: knows no business word."""
