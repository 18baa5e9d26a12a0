# One image for every process of a ledger. Nothing in it is secret, and none of it runs as root.
FROM python:3.13-slim

RUN useradd --uid 10001 --create-home --shell /usr/sbin/nologin metroledger
WORKDIR /opt/metroledger

# What it needs first, hashes checked: it changes more rarely than the program.
COPY requirements/run.txt requirements/run.txt
RUN pip install --no-cache-dir --require-hashes --only-binary :all: -r requirements/run.txt

COPY adapters adapters
COPY application application
COPY domain domain
COPY keys keys
COPY ledger ledger
COPY metroledger metroledger
COPY projections projections
COPY proofs proofs
COPY replay replay
COPY schemas schemas

# Named volumes take owner and mode from here: what holds secrets is for its owner alone.
RUN install -d -m 700 -o metroledger -g metroledger \
    /var/lib/metroledger /var/lib/metroledger/keys /var/lib/metroledger/keyring \
    /var/lib/metroledger/destroyed /var/lib/metroledger/dropbox

ENV PYTHONPATH=/opt/metroledger PYTHONDONTWRITEBYTECODE=1 METROLEDGER_HOME=/var/lib/metroledger
USER 10001:10001
ENTRYPOINT ["python", "-m", "metroledger"]
CMD ["--help"]
