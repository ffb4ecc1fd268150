# Ports as firewall rules write them: `443`, `8000-8010` or `any`.
package assize.ports

span(text) := {"first": 0, "last": 65535} if lower(text) in {"any", "all", "*"}

span(text) := {"first": to_number(text), "last": to_number(text)} if regex.match(`^[0-9]+$`, text)

span(text) := {"first": to_number(parts[0]), "last": to_number(parts[1])} if {
	regex.match(`^[0-9]+-[0-9]+$`, text)
	parts := split(text, "-")
}
