"""Every route of the application, and what it answers to each of four people and four roles.

The table is compared with the routes that the application has: a route without a row fails.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from fastapi.routing import iter_route_contexts
from prometheus_client import CollectorRegistry

from adapters.http.metering import Meters
from adapters.http.operation import Probe, operation_app
from adapters.http.serving import served
from application.access.roles import GIVEN
from application.asking import command_of
from domain.values import Category
from tests.application.world import grant

if TYPE_CHECKING:
    from collections.abc import Sequence

    import httpx
    from starlette.routing import BaseRoute

    from tests.adapters.http.api.conftest import Person, World

API: Final = "/api/v1"
FORM_TOKEN: Final = "X-Form-Token"


class Row(NamedTuple):
    """The status that each gets.

    The owner and the withdrawn ask about what is theirs; everybody else about the owner's. Of the
    staff there is one of each role.
    """

    owner: int
    other: int
    signed_out: int
    withdrawn: int
    administrator: int
    officer: int
    auditor: int
    operator: int


def everybody(status: int) -> Row:
    return Row(*[status] * 8)


def residents(owner: int, other: int, signed_out: int, withdrawn: int) -> Row:
    """On residents' pages every member of the staff is a stranger."""
    strangers = (signed_out,) * 4
    return Row(owner, other, signed_out, withdrawn, *strangers)


def staff(outside: int, administrator: int, officer: int, auditor: int, operator: int) -> Row:
    """On the staff's pages every resident is a stranger."""
    strangers = (outside,) * 4
    return Row(*strangers, administrator, officer, auditor, operator)


MINE: Final = residents(200, 200, 401, 200)
OF_THE_OWNER: Final = residents(200, 404, 401, 200)

MY_PAGE: Final = residents(200, 200, 303, 200)
PAGE_OF_THE_OWNER: Final = residents(200, 404, 303, 200)
DONE: Final = residents(303, 303, 403, 303)
DONE_BY_THE_OWNER: Final = residents(303, 404, 403, 303)
"""A page that needs somebody sends everybody else to sign in (303); a form without its token
is refused (403), and who has never opened a page has none."""


def to_all(status: int) -> Row:
    """A form that anybody may send who has opened a page."""
    return residents(status, status, 403, status)


PAGES: Final[dict[str, Row]] = {
    "GET /": residents(303, 303, 200, 303),
    "GET /inscription": everybody(200),
    "GET /inscription/{ticket}": everybody(410),
    "GET /connexion": residents(303, 303, 200, 303),
    "GET /mot-de-passe-oublie": everybody(200),
    "GET /nouveau-mot-de-passe/{ticket}": everybody(410),
    "GET /conditions": everybody(200),
    "GET /conditions/refus": MY_PAGE,
    "GET /mentions-legales": everybody(200),
    "GET /accessibilite": everybody(200),
    "GET /donnees-personnelles": everybody(200),
    "GET /cle-publique": everybody(200),
    "GET /static/{name}": everybody(404),
    "GET /accueil": MY_PAGE,
    "GET /compteurs/nouveau": MY_PAGE,
    "GET /compteurs/{meter}/accord/{category}": PAGE_OF_THE_OWNER,
    "GET /accords": MY_PAGE,
    "GET /accords/{consent}": PAGE_OF_THE_OWNER,
    "GET /accords/{consent}/retrait": residents(200, 404, 303, 303),
    "GET /accords/{consent}/recu.tlog-proof": PAGE_OF_THE_OWNER,
    "GET /recus": MY_PAGE,
    "GET /consommation": residents(303, 303, 303, 200),
    "GET /consommation/{consent}": residents(200, 404, 303, 403),
    "GET /qui-voit-mes-donnees": MY_PAGE,
    "GET /mes-donnees": MY_PAGE,
    "GET /tout-arreter": MY_PAGE,
    "GET /effacement": MY_PAGE,
    "GET /effacement/recu.tlog-proof": residents(404, 404, 303, 404),
    "GET /effacement/compteurs/{meter}": PAGE_OF_THE_OWNER,
    "GET /effacement/passe/{request}": residents(404, 404, 303, 404),
    "GET /effacement/passe/{request}/recu.tlog-proof": residents(404, 404, 303, 404),
    "GET /effacement/passe/suivi/{ticket}": everybody(410),
    "GET /effacement/passe/suivi/{ticket}/certificat": everybody(410),
    "GET /effacement/passe/suivi/{ticket}/certificat.json": everybody(410),
    "GET /effacement/suivi/{ticket}": everybody(410),
    "GET /effacement/suivi/{ticket}/certificat": everybody(410),
    "GET /effacement/suivi/{ticket}/certificat.json": everybody(410),
    "GET /agents": staff(303, 200, 200, 200, 200),
    "GET /agents/connexion": staff(200, 303, 303, 303, 303),
    "GET /agents/inscription/{ticket}": everybody(410),
    "GET /agents/collecte": staff(303, 200, 403, 403, 200),
    "GET /agents/registre": staff(303, 403, 403, 200, 403),
    "GET /agents/effacements": staff(303, 200, 200, 403, 403),
    "GET /agents/effacements/{account}": staff(303, 200, 200, 403, 403),
    "GET /agents/effacements/{account}/certificat": staff(303, 404, 404, 403, 403),
    "GET /agents/effacements/{account}/certificat.json": staff(303, 404, 404, 403, 403),
    "GET /agents/effacements/passe/{request}/certificat": staff(303, 404, 404, 403, 403),
    "GET /agents/effacements/passe/{request}/certificat.json": staff(303, 404, 404, 403, 403),
}
FORMS: Final[dict[str, Row]] = {
    "POST /inscription": to_all(422),
    "POST /inscription/{ticket}": to_all(410),
    "POST /connexion": to_all(401),
    "POST /mot-de-passe-oublie": to_all(422),
    "POST /nouveau-mot-de-passe/{ticket}": to_all(410),
    "POST /conditions": DONE,
    "POST /compteurs/nouveau": residents(422, 422, 403, 422),
    "POST /compteurs/{meter}/accord/{category}": DONE_BY_THE_OWNER,
    "POST /accords/{consent}/retrait": DONE_BY_THE_OWNER,
    "POST /effacement": DONE,
    "POST /effacement/reprise": DONE,
    "POST /effacement/compteurs/{meter}": DONE_BY_THE_OWNER,
    "POST /tout-arreter": DONE,
    "POST /deconnexion": DONE,
    "POST /agents/connexion": staff(403, 401, 401, 401, 401),
    "POST /agents/inscription/{ticket}": staff(403, 410, 410, 410, 410),
    "POST /agents/effacements/{account}/identite": staff(403, 303, 403, 403, 403),
    "POST /agents/effacements/{account}/suspension": staff(403, 303, 303, 403, 403),
    "POST /agents/effacements/{account}/reprise": staff(403, 303, 303, 403, 403),
    "POST /agents/effacements/{account}/validation": staff(403, 303, 403, 403, 403),
    "POST /agents/effacements/{account}/refus": staff(403, 409, 403, 403, 403),
    "POST /agents/deconnexion": staff(403, 303, 303, 303, 303),
}

# In the order in which they are asked: what changes something comes after what reads it.
TABLE: Final[dict[str, Row]] = PAGES | {
    f"GET {API}/openapi.json": everybody(200),
    "GET /problems/{name}": everybody(200),
    f"GET {API}/public/checkpoint": everybody(200),
    f"GET {API}/public/key": everybody(200),
    f"GET {API}/public/agreements": everybody(200),
    f"GET {API}/public/texts": everybody(200),
    f"GET {API}/public/texts/{{kind}}/{{version}}/{{language}}": everybody(200),
    f"GET {API}/session": MINE,
    f"GET {API}/account": MINE,
    f"GET {API}/meters": MINE,
    f"GET {API}/meters/{{meter}}": OF_THE_OWNER,
    f"GET {API}/meters/{{meter}}/past-erasures": OF_THE_OWNER,
    f"GET {API}/consents": MINE,
    f"GET {API}/consents/{{consent}}": OF_THE_OWNER,
    f"GET {API}/consents/{{consent}}/wording": OF_THE_OWNER,
    f"GET {API}/consents/{{consent}}/receipt": OF_THE_OWNER,
    f"GET {API}/consents/{{consent}}/consumption": residents(200, 404, 401, 403),
    f"GET {API}/consents/{{consent}}/maximum-power": residents(404, 200, 401, 403),
    f"GET {API}/recipients": MINE,
    f"GET {API}/receipts": MINE,
    f"GET {API}/export": MINE,
    f"GET {API}/commands/{{command}}": OF_THE_OWNER,
    f"POST {API}/account/terms-acceptance": MINE,
    f"POST {API}/meters": residents(201, 201, 401, 201),
    f"POST {API}/consents": residents(201, 404, 401, 201),
    f"POST {API}/refusals": residents(201, 404, 401, 201),
    f"POST {API}/consents/{{consent}}/withdrawal": OF_THE_OWNER,
    f"POST {API}/meters/{{meter}}/past-erasures": residents(201, 404, 401, 201),
    f"POST {API}/account/erasure-request": MINE,
    **FORMS,
}
ON_THE_OPERATIONS_PORT: Final = {"GET /healthz", "GET /readyz", "GET /metrics"}
"""Of another application, on a port that the public does not reach; they know no people."""


def names_of(routes: Sequence[BaseRoute]) -> set[str]:
    """Return method and path of each route; HEAD answers as GET does, a mount is "ANY"."""
    return {
        f"{method} {route.path}"
        for route in iter_route_contexts(routes)
        for method in (route.methods or {"ANY"}) - {"HEAD"}
    }


def test_every_route_has_its_row_and_every_row_its_route(world: World) -> None:
    assert names_of(world.app.routes) == set(TABLE)


def test_every_route_answers_everybody_as_the_table_says(world: World) -> None:
    people = (
        *(world.owner, world.other, world.nobody, world.withdrawn),
        *(world.staff[role] for role in GIVEN),
    )
    for person in (world.owner, world.withdrawn):
        person.post("account/terms-acceptance", "a-command", json={"version": "1"})
    assert world.other.home is not None
    home, wrong = world.other.home, []
    power = str(grant(world.ledger, home.account, home.meter, Category.MAXIMUM_POWER))
    for name, row in TABLE.items():
        told = Row(*[ask(world, person, name, power).status_code for person in people])
        if told != row:
            wrong.append(f"{name}: {told}, not {row}")
    assert not wrong, "\n".join(wrong)


def test_the_operations_port_knows_nobody(world: World) -> None:
    registry = CollectorRegistry()
    app = operation_app(Probe(ready=lambda: (), registry=registry), Meters(registry))
    assert names_of(app._app.routes) == ON_THE_OPERATIONS_PORT  # type: ignore[attr-defined] # Metered's own
    with served(app, ("127.0.0.1", 0)) as port:
        for name in ON_THE_OPERATIONS_PORT:
            url = f"http://127.0.0.1:{port}{name.removeprefix('GET ')}"
            for person in (world.owner, world.nobody, *world.staff.values()):
                assert person.client.get(url).status_code == 200


def ask(world: World, person: Person, name: str, power: str = "") -> httpx.Response:
    """Ask one route in a person's name, about what is theirs, or the owner's."""
    method, path = name.split()
    subject = person if person is world.withdrawn else world.owner
    assert subject.home is not None
    command = command_of(world.ledger.services, subject.home.account, "a-command")
    of_power = path.endswith("/maximum-power") and person is not world.withdrawn
    path = path.format(
        account=world.leaver,
        meter=subject.meter,
        consent=power if of_power else subject.consent,
        command=command,
        name="nothing-here",
        kind="terms_of_use",
        version="1",
        language="fr",
        ticket="no-ticket",
        request=command,
        category="puissance-maximale",
    )
    if method == "GET":
        return person.client.get(path)
    if not path.startswith(API):
        token = person.client.headers.get(FORM_TOKEN, "")
        form = {"reponse": "refuser", "version": "1", "moyen": "x"}
        form |= {"quoi": "tout", "motif_suspension": "x", "motif_refus": "x"}
        return person.client.post(path, data=form | {"form_token": token})
    return person.post(path.removeprefix(API + "/"), json=body_of(path, subject))


def body_of(path: str, subject: Person) -> dict[str, object] | None:
    """Return a body that the route takes."""
    question: dict[str, object] = {
        "meter": subject.meter,
        "category": "maximum_power",
        "wording_version": "1",
    }
    bodies: dict[str, dict[str, object]] = {
        "terms-acceptance": {"version": "1"},
        "meters": {"operator": "enedis", "number": "09111642617347", "entry_day": "2024-01-01"},
        "consents": {**question, "holder": "Bouvier", "years": 1},
        "refusals": question,
    }
    return bodies.get(path.rsplit("/", 1)[1])
