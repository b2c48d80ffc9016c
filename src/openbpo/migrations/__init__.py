"""The database's shape, as numbered files of SQL. Grants and policies are in them too."""
