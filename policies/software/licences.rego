# Entitlements and their use. Seats are often bought under more than one licence, so that all active licences for the
# same software count together. Each function takes the software that a licence is for: an entry of `spec.software`.
package assize.licences

is_pooled(licence) if {
	licence.field == "spec.software"
	licence.document.spec.status == "active"
}

# Whether one of the licences covers any number of seats.
is_unlimited(software) if {
	some licence in assize.referrers(software.id).License
	is_pooled(licence)
	licence.document.spec.metric in {"site", "open-source"}
}

bought(software) := sum([licence.document.spec.quantity |
	some licence in assize.referrers(software.id).License
	is_pooled(licence)
])

assigned(software) := [licence.document.spec.assigned |
	some licence in assize.referrers(software.id).License
	is_pooled(licence)
]

# Software that names one of the licences, and what the licence is for, if that names none.
installed(software) := array.concat(
	[installations(product.document) |
		some licence in assize.referrers(software.id).License
		is_pooled(licence)
		some product in assize.referrers(licence.id).Software
		product.field == "spec.license"
	],
	[installations(software.document) |
		software.kind == "Software"
		not software.document.spec.license
	],
)

installations(product) := product.spec.installCount

installations(product) := count(product.spec.installedOn) if not product.spec.installCount

# A person may have the software on several devices: where persons count, what is assigned counts.
used(software, "per-user") := sum(counted) if {
	counted := assigned(software)
	count(counted) > 0
}

used(software, "per-user") := sum(installed(software)) if count(assigned(software)) == 0

used(software, metric) := max([sum(assigned(software)), sum(installed(software))]) if metric != "per-user"

# Whether anything is known of the use.
is_counted(software) if count(assigned(software)) + count(installed(software)) > 0
