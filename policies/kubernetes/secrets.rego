# What looks like a secret written out, by the name that it has. What does by its own form (keys, addresses with a password)
# is for the rule `secret-in-text`.
package assize.secrets

# Names that hold secrets, but for those that tell something about one: where it is, whose, how long.
is_name(name) if {
	regex.match(`(?i)(passw(or)?d|passphrase|(^|[_.-])(pass|pwd)$|secret|token($|[_.-])|api[_.-]?key|(access|private|encryption|signing|account|master)[_.-]?key|credential)`, name)
	not regex.match(`(?i)(^|[_.-])(file|path|dir|directory|folder|mount|name|names|id|ids|url|uri|host|endpoint|ttl|expiry|expiration|expires|lifetime|age|timeout|interval|seconds|minutes|length|size|count|min|max|limit|type|kind|class|mode|store|backend|provider|manager|source|enabled|disabled|required|optional|algorithm|format|header|headers|version|rotation|policy|issuer|audience|scope|scopes|ref|prefix|suffix|namespace|arn|user|username|key_?id|symbol|location|region|encryption|validation|review|reviewer|hint|field)$`, name)
	# The name of a Secret of the cluster.
	not regex.match(`(?i)(pull|existing|tls|certificate|cert)[_.-]?secrets?$`, name)
	not regex.match(`[a-z](File|Path|Dir|Name|Id|ID|Url|URL|URI|Ttl|TTL|Expiry|Expiration|Timeout|Length|Type|Class|Enabled|Policy|Issuer|Audience|Ref|Header|Version|Username|KeyId)$`, name)
}

# Values that can be one: no gap, no path, no switch, no address, no name of a variable that holds it.
is_value(value) if {
	is_string(value)
	not is_gap(value)
	not regex.match(`(?is)^\s*([/.~$(].*|true|false|yes|no|on|off|none|null|nil|undefined|disabled|enabled|[0-9.]{1,5}[a-z]{0,2}|[a-z]+\+?[a-z]*://[^@]*)\s*$`, value)
	not regex.match(`^\s*[A-Z]+(_[A-Z]+)+\s*$`, value)
}

# What a program or a person has yet to fill in, and what is encrypted.
is_gap(value) if regex.match(`(?is)^\s*(|[<{\[].*|.*\$[({].*|.*\{\{.*|ENC\[.*|x+|\*+|\.+|vault:.*)\s*$`, value)

is_gap(value) if {
	regex.match(`(?i)(change[_ -]?me|replace[_ -]?(me|with)|place[_ -]?holder|your[_ -]|redacted|to[_ -]?be[_ -]|insert[_ -])`, value)
}
