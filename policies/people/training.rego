# The mandatory courses of a person.
package assize.training

due(person) := of("everybody") | particular(person)

# Those for everybody are the same for each of many.
of("everybody") := for_everybody

for_everybody contains id if {
	some id, course in data.estate.Training
	is_mandatory(course)
	count(object.get(course.spec, "audience", [])) == 0
}

# Who else a course is for is asked from the side of the person.
particular(person) := {training.id |
	some listener in listeners(person)
	some training in assize.referrers(listener).Training
	training.field == "spec.audience"
	is_mandatory(training.document)
}

is_mandatory(course) if {
	course.spec.mandatory == true
	not course.spec.lifecycle == "retired"
}

# A course for a team is for the teams beneath it as well, down to three below.
listeners(person) := {person} | roles(person) | above(above(above(teams(person))))

roles(person) := {role.id | some role in assize.references(person)["spec.jobRoles"]}

teams(person) := {team.id | some team in assize.references(person)["spec.memberOf"]}

above(ids) := ids | {parent.id |
	some id in ids
	some parent in assize.references(id)["spec.parent"]
}
