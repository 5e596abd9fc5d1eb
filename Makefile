.PHONY: servers
servers:
	@scripts/servers.sh
