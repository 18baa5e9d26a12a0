"""The schedule: one seed decides who runs, who sleeps, who dies, and what the log does.

Most steps go on with whoever ran last or to an actor chosen by weight; weights are
uneven and change, so that whole commands come to pass between two steps of another.
Every few steps something *happens*: a crash, a sleep, a late record, another process
that sends a command again. At the end the faults stop, everything that was delayed
arrives, everyone finishes, and the invariants are checked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Final

from tests.simulation.invariants import check
from tests.simulation.mutants import REAL, Parts
from tests.simulation.toy import AGREEMENTS, METERS, OWNER, Command, Mind, name, text_of
from tests.simulation.world import (
    Steps,
    Violation,
    World,
    folding,
    misbehaving,
    publishing,
    writing,
)

STEPS: Final = 130
"""How long things go wrong, in steps."""
QUIET_STEPS: Final = 6_000
"""How long everyone may take to finish once nothing goes wrong any more."""

KINDS: Final = (
    *("grant",) * 5,
    *("withdraw",) * 4,
    *("deliver",) * 5,
    *("extend",) * 3,
    *("erase",) * 3,
    *("end",) * 2,
)
_METERS: Final = tuple(OWNER)
_ACCOUNTS: Final = tuple(METERS)


@dataclass(slots=True, eq=False)
class Actor:
    """A process: what it does, and how to start it again after its death."""

    who: str
    steps: Steps
    again: Callable[[], Steps] | None = None
    command: Command | None = None
    waits: Callable[[], bool] | None = None
    weight: int = 1
    asleep_until: int = 0


@dataclass(slots=True)
class Run:
    """One schedule, while it is played."""

    world: World
    chance: Random
    actors: list[Actor] = field(default_factory=list)
    tickets: list[Actor] = field(default_factory=list)
    commands: int = 0
    waiting: list[tuple[int, Command]] = field(default_factory=list)
    step: int = 0

    # ── who there is ──

    def start(self) -> None:
        world, chance = self.world, self.chance
        world.log.faults = chance.choice((0.0, 0.1, 0.25, 0.4))
        for n in range(2 + (chance.random() < 0.3)):
            self.add_keeper(f"folder {n}", lambda who: folding(world, world.store, who))
        self.add_keeper("reader", lambda who: folding(world, world.reader, who))
        for n in range(1 + (chance.random() < 0.5)):
            self.add_keeper(f"publisher {n}", lambda who: publishing(world, who))
        for _ in range(chance.choice((1, 2, 3, 3))):
            self.new_command()
        self.shuffle()

    def add_keeper(self, who: str, make: Callable[[str], Steps]) -> None:
        self.actors.append(Actor(who, make(who), again=lambda: make(who)))

    def new_command(self) -> None:
        self.commands += 1
        command = self.draw_command()
        self.send(command)
        if self.chance.random() < 0.35:
            self.waiting.append((self.step + int(self.chance.random() * 40), command))

    def draw_command(self) -> Command:
        chance = self.chance
        kind = chance.choice(KINDS)
        about = b""
        if kind == "grant":
            about = chance.choice(_METERS)
        elif kind == "erase":
            about = chance.choice(_ACCOUNTS)
        elif kind == "end":
            about = chance.choice(AGREEMENTS)
        elif kind != "deliver":
            about = self.some_consent()
        return Command(kind, name(f"{kind}-{self.commands}"), about, derived=kind == "deliver")

    def some_consent(self) -> bytes:
        consents = self.world.store.consents()
        return self.chance.choice(consents) if consents else name("consent-1")

    def draw_mind(self, *, blind: bool = False) -> Mind:
        """Draw how a process decides: another one may decide otherwise."""
        chance, world = self.chance, self.world
        consents = world.store.consents()
        chance.shuffle(consents)
        return Mind(
            fresh=world.name_new(),
            agreement=AGREEMENTS[chance.random() < 0.5],
            bundles=chance.random() < 0.5,
            refuses=not blind and chance.random() < 0.1,
            blind=blind,
            consents=tuple(consents[: 1 + int(chance.random() * 3)]),
        )

    def send(self, command: Command) -> None:
        """Let one more process carry a command."""
        who = f"{text_of(command.id)} by {self.world.fresh + 1}"
        steps = writing(self.world, command, self.draw_mind(), who)
        self.actors.append(Actor(who, steps, command=command))

    # ── what happens ──

    def happen(self) -> None:
        """Let one thing go wrong, or one thing begin."""
        draw = self.chance.random()
        if draw < 0.22:
            self.crash()
        elif draw < 0.45:
            self.sleep()
        elif draw < 0.62:
            if self.world.log.deliver():
                self.world.say("log", f"lets a late record in at {self.world.log.end() - 1}")
        elif draw < 0.72:
            self.noise()
        elif draw < 0.92 and self.commands < 7:
            self.new_command()
        while self.waiting and self.waiting[0][0] <= self.step:
            self.send(self.waiting.pop(0)[1])
            self.world.count("sent by a second process")
        self.shuffle()

    def crash(self) -> None:
        actor = self.chance.choice(self.actors)
        self.bury(actor)
        self.world.say(actor.who, "dies")
        self.world.count(f"died: {actor.who.split()[0].split('-')[0]}")
        if actor.command is not None and self.chance.random() < 0.8:
            self.send(actor.command)
        if actor.again is not None:
            self.actors.append(Actor(actor.who, actor.again(), again=actor.again))

    def bury(self, actor: Actor) -> None:
        self.actors.remove(actor)
        actor.steps.close()
        if self.world.public.holder == actor.who:  # the kernel takes the lock off the dead
            self.world.public.holder = None

    def sleep(self) -> None:
        actor = self.chance.choice(self.actors)
        actor.asleep_until = self.step + 8 + int(self.chance.random() * 60)
        self.world.say(actor.who, "sleeps")

    def noise(self) -> None:
        """Append what nobody should: an old record again, half of one, a faulty decision."""
        world, chance = self.world, self.chance
        draw = chance.random()
        record = chance.choice(world.log.records)
        if draw < 0.3:
            world.log.append([record])
            world.say("somebody", "appends an old record again")
        elif draw < 0.4:
            world.log.append([record[: int(chance.random() * len(record))]])
            world.say("somebody", "appends a part of a record")
        else:
            self.commands += 1
            command = self.draw_command()
            steps = misbehaving(world, command, self.draw_mind(blind=True), "a faulty program")
            self.actors.append(Actor("a faulty program", steps))

    def shuffle(self) -> None:
        """Draw uneven weights for whoever is awake."""
        tickets: list[Actor] = []
        for actor in self.actors:
            if actor.asleep_until <= self.step:
                tickets += [actor] * (1 + int(8 * self.chance.random() ** 3))
        self.tickets = tickets

    # ── how it goes ──

    def play(self) -> None:
        chance = self.chance
        self.start()
        next_event = 4
        while self.step < STEPS:
            self.step += 1
            if self.step >= next_event or not self.tickets:
                next_event = self.step + 1 + int(chance.random() * 14)
                self.happen()
            elif not self.advance(self.tickets[int(chance.random() * len(self.tickets))]):
                next_event -= 1  # all may be waiting: then something must happen soon
        self.quiet()

    def advance(self, actor: Actor) -> bool:
        """Run an actor until its next pause, or for a few if chance lets it; False if it waits."""
        if actor.waits is not None:
            if not actor.waits():
                return False
            actor.waits = None
        try:
            actor.waits = next(actor.steps)
            while actor.waits is None and self.chance.random() < 0.5:
                self.step += 1
                actor.waits = next(actor.steps)
        except StopIteration:
            self.finish(actor)
        return True

    def finish(self, actor: Actor) -> None:
        self.actors.remove(actor)
        self.tickets = [one for one in self.tickets if one is not actor]
        command = actor.command
        if command is not None and self.step < STEPS and self.chance.random() < 0.8:
            self.react(command)

    def react(self, command: Command) -> None:
        """Issue what one accepted command makes happen next, under an id that follows from it."""
        world = self.world
        accepted = world.store.accepted(command.id)
        if accepted is None or command.kind not in {"grant", "withdraw"}:
            return
        kind = "start" if command.kind == "grant" else "stop"
        leaves = world.store.entries(accepted.leaf, accepted.leaf + accepted.leaves)
        granted = [leaf[:16] for leaf in leaves if leaf[16:23] == b"granted"]
        consent = granted[0] if granted else command.about
        derived = name(f"{kind}-of-{text_of(consent).removeprefix('consent-')}")
        self.send(Command(kind, derived, consent, derived=True))

    def quiet(self) -> None:
        """Stop the faults; let everything arrive and everyone finish; then check."""
        world, chance = self.world, self.chance
        world.log.faults = 0.0
        world.say("", "── nothing goes wrong from here on ──")
        for _, command in self.waiting:
            self.send(command)
        for actor in self.actors:
            actor.asleep_until = 0
        while world.log.deliver():
            self.settle(int(chance.random() * 30))
        self.settle(QUIET_STEPS)
        if any(actor.command for actor in self.actors):
            message = "a command never comes to its answer: " + ", ".join(
                actor.who for actor in self.actors if actor.command
            )
            raise Violation(message)
        check(world)

    def settle(self, steps: int) -> None:
        """Run everybody in turn until all wait, or for so many steps."""
        until = self.step + steps
        while self.step < until:
            moved = False
            for actor in list(self.actors):
                self.step += 1
                moved |= self.advance(actor)
            if not moved:
                return


def play(seed: int, parts: Parts = REAL, *, trace: list[str] | None = None) -> World:
    """Play the schedule of a seed; raise `Violation` where something happens that must not."""
    chance = Random(seed)
    world = World(chance, parts, trace)
    Run(world, chance).play()
    return world
