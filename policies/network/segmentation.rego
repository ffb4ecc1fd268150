# When the segmentation of a network segment was last tested and last changed.
package assize.segmentation

# Days on which a test of it passed. What is yet to come is no test.
tested(segment) := {on |
	some assessment in assize.referrers(segment).Assessment
	assessment.field == "spec.scope"
	assessment.document.spec.type == "segmentation-test"
	assessment.document.spec.result == "passed"
	on := assessment.document.spec.performedOn
	today := data.asOf
	not assize.date.is_before(today, on)
}

# Days on which a significant change that affects it was carried out.
changed(segment) := {on |
	some change in assize.referrers(segment).Change
	change.field == "spec.affects"
	change.document.spec.significant == true
	change.document.spec.status in {"implemented", "closed"}
	on := change.document.spec.implementedOn
}
