"""What receives from Enedis never reaches out, and production never plays the operator."""

from collections.abc import Iterable, Iterator

from tests.architecture.sources import Module, imports, modules, none_of

SGE = "adapters.dso.enedis."
PUSHES = "adapters.dso.enedis.pushing"

# What could open a connection or start a program that does.
REACHES_OUT = {
    *("asyncio", "asyncssh", "ftplib", "http", "httpx", "imaplib", "multiprocessing", "os"),
    *("paramiko", "poplib", "psycopg", "requests", "smtplib", "socket", "socketserver", "ssl"),
    *("subprocess", "telnetlib", "urllib", "uvicorn", "xmlrpc"),
}

# The other side: it ships for demos and tests.
SIMULATORS = {PUSHES, *(f"{SGE}{name}" for name in ("nights", "series", "simulator"))}
PLAYERS = {
    "metroledger.cli.demo",
    "metroledger.cli.demo_portal",
    "metroledger.cli.simulating",
    "metroledger.demo_deliveries",
    "metroledger.demo_homes",
}


def test_the_sge_adapter_has_no_outbound_command() -> None:
    receiving = [m for m in modules() if m.name.startswith(SGE) and m.name != PUSHES]
    assert len(receiving) > 8
    none_of(_outbound(receiving), "Only the simulator's pushing.py opens connections:")


def test_the_check_sees_the_module_that_does_reach_out() -> None:
    assert list(_outbound(m for m in modules() if m.name == PUSHES))


def _outbound(looked_at: Iterable[Module]) -> Iterator[str]:
    for module in looked_at:
        for name in imports(module):
            if name.split(".")[0] in REACHES_OUT:
                yield f"{module.name} imports {name}"


def test_nothing_that_production_is_built_of_imports_a_simulator() -> None:
    none_of(
        (
            f"{module.name} imports {name}"
            for module in modules()
            if module.name not in PLAYERS | SIMULATORS
            for name in imports(module)
            if name in SIMULATORS
        ),
        "Simulators are imported by the demo and by `metroledger simulate` only:",
    )
