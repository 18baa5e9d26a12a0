"""How letters leave: a directory of files for demos, an SMTP server in earnest."""
