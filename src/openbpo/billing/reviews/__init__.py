"""Review meetings: the actions that they decide, until they are done."""
