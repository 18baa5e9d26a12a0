"""How operators' files arrive: watched directories, an SFTP server of our own, fetching."""
