"""From the files of an agreement to its terms, with every mistake told at once."""

from __future__ import annotations

from openbpo.agreements.files import Files
from openbpo.agreements.model import Agreement
from openbpo.agreements.reading.findings import Findings
from openbpo.agreements.reading.mapping import read_mappings
from openbpo.agreements.reading.measures import read_measures
from openbpo.agreements.reading.money import read_charges, read_regime
from openbpo.agreements.reading.terms import (
    read_calendars,
    read_frame,
    read_party,
    refuse_one_party_twice,
)
from openbpo.agreements.reading.work import read_attributes, read_services
from openbpo.values.refusals import Mistake, Refusal


def read_agreement(files: Files) -> Agreement:
    """
    Return the terms that the files state.

    Raises Refusal with every mistake in all files, in the order of file and line.
    """
    findings = Findings({name.removesuffix(".yaml"): content for name, content in files.items()})
    frame = read_frame(findings)
    client, provider = read_party(findings, "client"), read_party(findings, "provider")
    refuse_one_party_twice(findings, client, provider)
    calendars = read_calendars(findings, frame.zone)
    attributes = read_attributes(findings)
    services = read_services(findings, attributes)
    measures = read_measures(findings, attributes, services, calendars)
    regime = read_regime(findings, measures)
    charges = read_charges(findings, frame.currency, attributes, services)
    mappings = read_mappings(findings, attributes)
    list(findings.entries("periods"))
    if findings.mistakes:
        raise Refusal(*sorted(set(findings.mistakes), key=_place))
    assert frame.in_force is not None
    assert frame.term is not None
    assert frame.zone is not None
    assert frame.currency is not None
    assert client is not None
    assert provider is not None
    assert regime is not None
    assert charges is not None
    return Agreement(
        title=frame.title,
        version=frame.version,
        supersedes=frame.supersedes,
        in_force=frame.in_force,
        term=frame.term,
        zone=frame.zone,
        currency=frame.currency,
        documents=frame.documents,
        client=client,
        provider=provider,
        calendars=calendars,
        attributes=attributes,
        services=services,
        measures=measures,
        regime=regime,
        charges=charges,
        mappings=mappings,
    )


def _place(mistake: Mistake) -> tuple[str, int, str]:
    name, _, line = mistake.where.partition(":")
    return name, int(line or 0), mistake.what
