"""Pages on which jobs are under way: they look again by themselves, and anew once these ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.http import HttpResponse

from openbpo.storage.jobs.model import Job, JobState
from openbpo.surfaces.web.visits import Visit

UNDER_WAY = (JobState.WAITING, JobState.RUNNING)


def page_with_jobs(
    visit: Visit, template: str, data: Mapping[str, Any], jobs: Sequence[Job]
) -> HttpResponse:
    """Return a page that shows `jobs`; who only looks after them is sent anew once all ended."""
    polls = any(job.state in UNDER_WAY for job in jobs)
    answer = visit.page(template, {**data, "jobs": jobs, "polls": polls})
    if visit.request.htmx and not polls:
        answer["HX-Refresh"] = "true"
    return answer
