# Confirmations of the scope of card data, and what is in it. Confirmations do not name the organization: all are looked at.
package assize.card_scope

confirmations(earliest) := {id |
	some id, confirmation in data.estate.Assessment
	confirmation.spec.type == "scope-confirmation"
	confirmation.spec.result in {"passed", "passed-with-findings"}
	on := confirmation.spec.performedOn
	not assize.date.is_before(on, earliest)
}

confirmed(earliest) := {component.id |
	some id in confirmations(earliest)
	some component in assize.references(id)["spec.scope"]
}

components contains component.id if {
	some framework, _ in data.estate.Framework
	startswith(framework, "Framework/pci-dss-")
	some kind in ["Application", "API", "CloudAccount", "DataStore", "Hardware", "NetworkSegment"]
	some component in assize.referrers(framework)[kind]
	component.field == "spec.inScopeOf"
	not is_gone(component)
}

is_gone(component) if component.document.spec.lifecycle == "retired"

is_gone(component) if data.estate.Hardware[component.id].spec.status == "disposed"
