"""What was promised: the agreement as files, its versions, service levels and their clocks."""
