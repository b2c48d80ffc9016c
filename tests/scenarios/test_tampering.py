"""A version that somebody changed in the database is not computed with."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from tests.support import EXAMPLE

from openbpo.agreements.files import read_folder
from openbpo.agreements.reading import read_agreement
from openbpo.agreements.versions.actions import accept
from openbpo.agreements.versions.queries import terms_in_force
from openbpo.storage.database import Context, Database
from openbpo.trust.engagements import granted
from openbpo.trust.keys import party_key
from openbpo.values.ids import EngagementId
from openbpo.values.refusals import Refusal

EDITS = {
    "a price": "UPDATE agreements.version SET files = jsonb_set(files, '{charges.yaml}',"
    " to_jsonb(replace(files->>'charges.yaml', '38.00', '39.00')))",
    "a holiday": "UPDATE agreements.version SET resolved = resolved #- '{holidays,desk-hours,0}'",
    "the hash": "UPDATE agreements.version SET content_hash = sha256(content_hash)",
    "a signature": "UPDATE agreements.signature SET signature ="
    " set_byte(signature, 5, 255 - get_byte(signature, 5))",
    "the standing": "UPDATE agreements.in_force SET standing = 'agreed'",
    "the only signature, taken away": "DELETE FROM agreements.signature",
    "the signing key": "UPDATE agreements.signature SET public_key ="
    " set_byte(public_key, 5, 255 - get_byte(public_key, 5))",
}


@pytest.fixture
def engagement(database: Database, context: Context, handle: str) -> EngagementId:
    files = read_folder(EXAMPLE)
    key = party_key(read_agreement(files).provider.handle)
    accept(database, context, handle=handle, files=files, side="provider", key=key)
    with database.transaction(context) as tx:
        return granted(tx)[0].engagement_id


@pytest.fixture
def edited(
    admin: psycopg.Connection[Any], engagement: EngagementId, request: pytest.FixtureRequest
) -> str:
    statement = f"{EDITS[request.param]} WHERE engagement_id = '{engagement}'"
    assert admin.execute(statement.encode()).rowcount == 1
    return str(request.param)


class TestAStoredVersion:
    def test_computes_as_it_was_signed(
        self, database: Database, context: Context, handle: str, engagement: EngagementId
    ) -> None:
        with database.transaction(context.within(engagement)) as tx:
            assert terms_in_force(tx, engagement, handle)[0].agreement.version == 1

    @pytest.mark.parametrize("edited", EDITS, indirect=True)
    def test_with_anything_changed_is_refused(
        self,
        database: Database,
        context: Context,
        handle: str,
        engagement: EngagementId,
        edited: str,
    ) -> None:
        with (
            database.transaction(context.within(engagement)) as tx,
            pytest.raises(Refusal, match="not what was signed"),
        ):
            terms_in_force(tx, engagement, handle)
