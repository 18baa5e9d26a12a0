"""What certificates say, in French: a scope's own words, and those that all share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from domain.values import Matter, Role

_GONE: Final = (
    "Ce qu’elles scellaient ne peut plus être lu par personne : ni dans le registre, ni dans ses "
    "copies plus anciennes."
)
_NO_NAME: Final = "Ce document ne nomme personne : la demande y est un numéro tiré au hasard."


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """How a certificate of one scope is worded; `unproven` is what it alone does not show.

    `names` says that it names nobody; `keys`, `entries` and `prints` whose those are that it is
    about; `beyond` heads what was not reached.
    """

    title: str
    lead: str
    names: str
    keys: str
    entries: str
    prints: str
    beyond: str
    unproven: str | None = None


WORDS: Final = {
    "account": Words(
        title="Certificat d’effacement",
        lead=f"Toutes les clés d’un compte ont été détruites. {_GONE}",
        names=_NO_NAME,
        keys="toutes celles du compte",
        entries="celles du compte",
        prints="des clés du compte",
        beyond="Ce que l’effacement n’atteint pas",
    ),
    "past": Words(
        title="Certificat d’effacement du passé d’un compteur",
        lead="Les clés de ce qui a été mesuré à un compteur ont été détruites, à la demande de la "
        f"personne. {_GONE}",
        names=_NO_NAME,
        keys="toutes celles de ces mesures",
        entries="celles de ces mesures",
        prints="de ces clés",
        beyond="Ce que l’effacement n’atteint pas",
        unproven="De quel compteur il s’agit : le registre n’en nomme aucun.",
    ),
    "retention": Words(
        title="Certificat de destruction en fin de conservation",
        lead=f"Des clés ont été détruites : leur durée de conservation était passée. {_GONE}",
        names="Ce document ne nomme personne.",
        keys="celles des données et des années ci-dessus",
        entries="celles que ces clés scellaient",
        prints="de ces clés",
        beyond="Ce que la destruction n’atteint pas",
        unproven="Que rien d’autre n’avait dépassé sa durée : les comptes sous une obligation de "
        "conserver sont laissés de côté, et beaucoup de clés demandent plusieurs destructions.",
    ),
}
"""By a scope's name."""

HOURS: Final = {
    "validated": "Acceptée",
    "ordered": "Destruction ordonnée",
    "erased": "Effacement achevé",
    "destroyed": "Effacement achevé",
    "carried_out": "Destruction achevée",
}
PLACES: Final = {
    "validated": "l’acceptation",
    "ordered": "l’ordre de destruction",
    "erased": "la fin de cet effacement",
    "destroyed": "la fin de cet effacement",
    "carried_out": "la fin de cette destruction",
}
"""What the entries are, by the names of their hours."""

SAID: Final = {
    "GDPR article 17(1)(b): consent withdrawn": "RGPD, article 17 (1) b : accord retiré",
    "GDPR article 17(1)(b): consent withdrawn for one meter": "RGPD, article 17 (1) b : accord "
    "retiré pour un compteur",
    "GDPR article 5(1)(e): kept no longer than necessary": "RGPD, article 5 (1) e : conservation "
    "limitée à ce qui est nécessaire",
    "the operators' own data, held under their own duties": "les données que les gestionnaires de "
    "réseau tiennent pour eux-mêmes, selon leurs propres obligations",
    "receipts and exports that were handed out": "les reçus et les fichiers déjà remis",
    "receipts and exports that were handed out, nobody here knows to whom": "les reçus et les "
    "fichiers déjà remis, personne ici ne sait à qui",
    "notices to operators and recipients, sealed until answered, 90 days at most": "les "
    "avis aux gestionnaires de réseau et aux destinataires, scellés jusqu’à leur accusé de "
    "réception, 90 jours au plus",
    "unreadable files, sealed apart until the first delivery after 30 days": "les fichiers "
    "illisibles, scellés à part jusqu’à la première livraison après 30 jours",
    "the last letter, where no mail server had taken it: in clear for at most 2 days": "la "
    "dernière lettre, si aucun serveur de messagerie ne l’avait prise : lisible 2 jours au plus",
    "the operators' encrypted files, for the days that the drop box keeps them": "les fichiers "
    "chiffrés des gestionnaires de réseau, les jours que dure leur garde",
    "the operators' files, for the days that the drop box keeps them, or where 'ingest' got them": (
        "les fichiers des gestionnaires de réseau, les jours que dure leur garde, ou là où on les "
        "a donnés à lire"
    ),
}
"""What certificates say in English, in French."""

MATTERS: Final = {
    Matter.DAILY_INDEX.value: "index quotidiens, et les mois qui en sont faits",
    Matter.LOAD_CURVE.value: "courbes de charge",
    Matter.MAXIMUM_POWER.value: "puissances maximales du jour",
    Matter.LOOKS.value: "notes de qui a consulté les données de quelqu’un",
    Matter.DELIVERIES.value: "noms des fichiers des gestionnaires de réseau",
}
ROLES: Final = {
    Role.RESIDENT.value: "la personne elle-même",
    Role.ADMINISTRATOR.value: "l’administration",
    Role.DATA_PROTECTION_OFFICER.value: "la protection des données",
    Role.SYSTEM.value: "le système, sur ordre",
}
STEPS: Final = {
    "asked": "Demande",
    "checked": "Vérification de l’identité",
    "validated": "Validation",
    "carried_out": "Exécution",
}
