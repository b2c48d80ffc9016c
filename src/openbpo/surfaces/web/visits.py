"""
A page is declared with the right that it needs; its view is given the visit that has it.

    @page("e/<handle>/service-levels", needs=Right.SEE_SERVICE_LEVELS,
          nav=Nav(Group.MONTH, _("Service levels"), order=10))
    def service_levels(visit: Visit) -> HttpResponse:
        with visit.reading("service levels") as tx:
            ...
        return visit.page("pages/service_levels.html", {...})

For each request the grant is asked for anew. Below it the database's policies hold: the view's
transactions are signed for this one engagement. Without a grant the answer is that of an engagement
that does not exist.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import Any, Final

from babel import Locale
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from openbpo.agreements.model import Side
from openbpo.record.readings import note_reading
from openbpo.storage.database import Context, Database, Transaction
from openbpo.surfaces.web.doors import database
from openbpo.surfaces.web.engagements import Named, named
from openbpo.surfaces.web.numbers import current_locale
from openbpo.trust.roles.model import GrantedRole, Right, Role
from openbpo.trust.roles.queries import granted_roles
from openbpo.values.ids import EngagementId

PREFIX: Final = "e/<handle>/"


class Group(IntEnum):
    """A group of the side navigation, in their order."""

    TODAY = 1
    MONTH = 2
    CONTRACT = 3
    EVIDENCE = 4
    SETTINGS = 5


GROUPS: Final[Mapping[Group, Any]] = {
    Group.TODAY: _("Today"),
    Group.MONTH: _("Month"),
    Group.CONTRACT: _("Contract"),
    Group.EVIDENCE: _("Evidence"),
    Group.SETTINGS: _("Settings"),
}


@dataclass(frozen=True, slots=True)
class Nav:
    """An entry of the side navigation: its group, its word (lazily translated), its place."""

    group: Group
    word: Any
    order: int = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A declared page: its address, its name, the right it needs, its entry in the navigation."""

    path: str
    name: str
    needs: Right | None
    nav: Nav | None
    methods: frozenset[str]
    view: Callable[..., HttpResponse] = field(repr=False)

    @property
    def purpose(self) -> str:
        """Return the purpose under which its transactions run and its readings are noted."""
        return f"page {self.name.replace('_', ' ')}"


PAGES: dict[str, Page] = {}
"""All pages by name; `urls` makes the addresses of them, and of nothing else of ours."""


@dataclass(frozen=True, slots=True)
class Crumb:
    """A step of the trail in the bar; the last one has no address."""

    word: str
    href: str | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """An entry of the navigation as this visitor sees it."""

    word: Any
    href: str
    is_current: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """Who asks for a page, whatever the engagement."""

    request: HttpRequest
    declared: Page
    locale: Locale

    @property
    def principal(self) -> str:
        """Return the name under which this person acts."""
        return str(self.request.user.principal)

    @property
    def context(self) -> Context:
        """Return the context of this person and purpose, in no engagement."""
        return Context(principal=self.principal, purpose=self.declared.purpose)

    @property
    def database(self) -> Database:
        """Return this thread's door to domain data."""
        return database()

    def granted(self) -> list[GrantedRole]:
        """Return the engagements that this person may work in now."""
        with self.database.transaction(self.context) as tx:
            return granted_roles(tx)

    def page(
        self,
        template: str,
        data: Mapping[str, Any] | None = None,
        *,
        status: int = 200,
    ) -> HttpResponse:
        """Return the page of a template in the frame."""
        told = {"visit": self, **(data or {})}
        return render(self.request, template, told, status=status)


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit(Visitor):
    """Somebody's request for a page of an engagement, whose grant and right were found."""

    engagement_id: EngagementId
    handle: str
    granted_handle: str
    role: Role
    others: int
    steps: tuple[Crumb, ...] = ()

    @property
    def side(self) -> Side | None:
        """Return the side of the visitor's role; None for an operator, who may act as either."""
        return self.role.side

    @property
    def context(self) -> Context:
        """Return the context of this person, purpose and engagement."""
        return Context(principal=self.principal, purpose=self.declared.purpose).within(
            self.engagement_id
        )

    @property
    def named(self) -> Named:
        """Return what the engagement and its parties are called; it is asked once a request."""
        known: dict[EngagementId, Named] = self.request.__dict__.setdefault("called", {})
        if self.engagement_id not in known:
            known[self.engagement_id] = named(
                self.database, self.context, self.engagement_id, self.handle
            )
        return known[self.engagement_id]

    def may(self, right: Right) -> bool:
        """Whether the visitor has a right."""
        return right in self.role.rights

    def refuse_unless(self, right: Right) -> None:
        """Answer that the visitor may not do this, unless the role has the right."""
        if not self.may(right):
            raise PermissionDenied(right.value)

    @contextmanager
    def reading(self, what: str | None = None) -> Iterator[Transaction]:
        """
        Give a transaction that reads events or figures; that `what` is read is noted before.

        The note has a transaction of its own: who reads and then fails has still been let in.
        """
        with self.database.transaction(self.context) as tx:
            note_reading(tx, self.engagement_id, what or self.declared.purpose)
        with self.database.transaction(self.context) as tx:
            yield tx

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Give a transaction in which nothing of the record is read: a command, a setting."""
        with self.database.transaction(self.context) as tx:
            yield tx

    def at(self, *steps: Crumb) -> Visit:
        """Return this visit with further steps in its trail: a service, a period, a case."""
        return replace(self, steps=(*self.steps, *steps))

    def href(self, name: str, **parts: object) -> str:
        """Return the address of a page of this engagement."""
        return reverse(name, kwargs={"handle": self.handle, **parts})

    @property
    def trail(self) -> tuple[Crumb, ...]:
        """Return the trail: client, engagement, and what the page adds."""
        called = self.named
        client = [Crumb(called.client, reverse("home"))] if called.client else []
        return (*client, Crumb(called.title, self.href("engagement")), *self.steps)

    @property
    def nav(self) -> list[tuple[Any, list[Item]]]:
        """Return the navigation: what there is and what this visitor may see, by group."""
        groups: dict[Group, list[tuple[int, Item]]] = {}
        for one in PAGES.values():
            if one.nav is None or one.needs is None or not self.may(one.needs):
                continue
            item = Item(one.nav.word, self.href(one.name), one.name == self._current)
            groups.setdefault(one.nav.group, []).append((one.nav.order, item))
        return [
            (GROUPS[group], [item for _order, item in sorted(items, key=lambda pair: pair[0])])
            for group, items in sorted(groups.items())
        ]

    @property
    def _current(self) -> str:
        """Return the name of the page in the navigation under which this one stands."""
        if self.declared.nav is not None:
            return self.declared.name
        above = [
            one
            for one in PAGES.values()
            if one.nav is not None and self.declared.path.startswith(f"{one.path}/")
        ]
        return max(above, key=lambda one: len(one.path)).name if above else ""


View = Callable[..., HttpResponse]


def page(
    address: str,
    *,
    needs: Right,
    nav: Nav | None = None,
    name: str | None = None,
    methods: Sequence[str] = ("GET",),
) -> Callable[[View], View]:
    """
    Declare a page of an engagement: `address` begins with `e/<handle>/` (or is `e/<handle>`).

    Its view is called with the visit and what else the address holds. `name` is what it is
    reversed by, without it the view's own. Pages with an entry in `nav` have nothing else in their
    address.
    """
    assert f"{address}/".startswith(PREFIX), "a page of an engagement is under e/<handle>/"
    assert isinstance(needs, Right), "a page names the right that it needs"
    return _declared(address, needs=needs, nav=nav, name=name, methods=methods)


def own_page(
    address: str, *, name: str | None = None, methods: Sequence[str] = ("GET",)
) -> Callable[[View], View]:
    """Declare a page of no engagement, for everybody who is signed in; its view gets a Visitor."""
    assert "<handle>" not in address, "a page of an engagement names the right that it needs"
    return _declared(address, needs=None, nav=None, name=name, methods=methods)


def _declared(
    address: str,
    *,
    needs: Right | None,
    nav: Nav | None,
    name: str | None,
    methods: Sequence[str],
) -> Callable[[View], View]:
    def declare(view: View) -> View:
        called = name or view.__name__
        assert called not in PAGES, f"two pages are named {called}"
        PAGES[called] = Page(
            path=address, name=called, needs=needs, nav=nav,
            methods=frozenset(methods) | ({"HEAD"} if "GET" in methods else set()), view=view,
        )  # fmt: skip
        return view

    return declare


def addresses() -> list[URLPattern]:
    """Return the addresses of all pages that were declared."""
    return [path(one.path, _served(one), name=one.name) for one in PAGES.values()]


def _served(declared: Page) -> View:
    @functools.wraps(declared.view)
    def serve(request: HttpRequest, **parts: Any) -> HttpResponse:
        if request.method not in declared.methods:
            return HttpResponseNotAllowed(sorted(declared.methods))
        visitor = Visitor(request=request, declared=declared, locale=current_locale())
        if declared.needs is None:
            return declared.view(visitor, **parts)
        visit = _let_in(visitor, parts.pop("handle"))
        request.visit = visit  # a refusal is told in this frame too
        if not visit.may(declared.needs):
            raise PermissionDenied(declared.needs.value)
        return declared.view(visit, **parts)

    serve.declared = declared  # type: ignore[attr-defined]
    return serve


def _let_in(visitor: Visitor, handle: str) -> Visit:
    """Return the visit of an engagement; Http404 when this person has none of that name."""
    granted = visitor.granted()
    found = _named_so(granted, handle)
    if found is None:
        raise Http404(gettext("There is no engagement of this name."))
    return Visit(
        request=visitor.request,
        declared=visitor.declared,
        locale=visitor.locale,
        engagement_id=found.engagement_id,
        handle=handle,
        granted_handle=found.handle,
        role=found.role,
        others=len(granted) - 1,
    )


def _named_so(granted: Sequence[GrantedRole], handle: str) -> GrantedRole | None:
    """Return the one engagement of a name; the granter's name may be left out where it is one."""
    for one in granted:
        if one.handle == handle:
            return one
    short = [one for one in granted if one.handle.partition("@")[0] == handle]
    return short[0] if len(short) == 1 else None


def short_handles(granted: Sequence[GrantedRole]) -> dict[EngagementId, str]:
    """Return by which name each engagement stands in addresses: the shortest that is clear."""
    return {
        one.engagement_id: short if _named_so(granted, short) == one else one.handle
        for one in granted
        for short in [one.handle.partition("@")[0]]
    }
