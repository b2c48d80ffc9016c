"""The help desk: tickets promised within working hours and billed when they are closed."""
