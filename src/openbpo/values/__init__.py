"""Money, spans of time, calendars, periods, ids, expressions: imports nothing of ours."""
