# Who holds access to what, for rules about grants, roles and administrators. A name that is an identity here and a reference there
# would make a run keep whole documents of all that it could be, so that each name is one of the two.
package assize.access

# Those who use what a subject is granted: a team stands for its members and its lead.
people(subject) := {subject.id} if subject.kind != "Team"

people(subject) := members(subject.id) if subject.kind == "Team"

members(team) := {person.id |
	some person in assize.referrers(team).Person
	person.field == "spec.memberOf"
	person.document.spec.status != "left"
} | {lead.id | some lead in assize.references(team)["spec.lead"]}

# The teams of a person.
teams(person) := {team.id | some team in assize.references(person)["spec.memberOf"]}

# The roles that a subject holds itself: by active grants, and by its job.
roles(subject) := {role.id |
	some grant in assize.referrers(subject).AccessGrant
	grant.field == "spec.subject"
	grant.document.spec.status == "active"
	some role in assize.references(grant.id)["spec.role"]
} | {role.id | some role in assize.references(subject)["spec.jobRoles"]}

# Those who administer a thing: by a privileged role that is granted on it, or that applies to it and is held
# without a narrower target, and by privileged accounts on it.
administrators(thing) := granted | applied | employed | logged if {
	granted := {somebody |
		some grant in assize.referrers(thing).AccessGrant
		grant.field == "spec.target"
		grant.document.spec.status == "active"
		some role in assize.references(grant.id)["spec.role"]
		role.document.spec.privileged == true
		some subject in assize.references(grant.id)["spec.subject"]
		some somebody in people(subject)
	}
	applied := {somebody |
		some privileged in privileged_roles(thing)
		some grant in assize.referrers(privileged).AccessGrant
		grant.field == "spec.role"
		grant.document.spec.status == "active"
		not grant.document.spec.target
		some subject in assize.references(grant.id)["spec.subject"]
		some somebody in people(subject)
	}
	employed := {person.id |
		some privileged in privileged_roles(thing)
		some person in assize.referrers(privileged).Person
		person.field == "spec.jobRoles"
		person.document.spec.status != "left"
	}
	logged := {person.id |
		some account in assize.referrers(thing).Account
		account.field == "spec.system"
		account.document.spec.status == "enabled"
		account.document.spec.privileged == true
		some person in assize.references(account.id)["spec.person"]
	}
}

# The privileged roles that apply to a thing.
privileged_roles(thing) := {role.id |
	some role in assize.referrers(thing).Role
	role.field == "spec.appliesTo"
	role.document.spec.privileged == true
}

# What somebody administers, by the same ways.
administered(person) := granted | applied | logged if {
	subjects := {person} | teams(person)
	granted := {reachable |
		some subject in subjects
		some grant in assize.referrers(subject).AccessGrant
		grant.field == "spec.subject"
		grant.document.spec.status == "active"
		some role in assize.references(grant.id)["spec.role"]
		role.document.spec.privileged == true
		some reachable in reached(grant.id, role.id)
	}
	applied := {thing.id |
		some role in assize.references(person)["spec.jobRoles"]
		role.document.spec.privileged == true
		some thing in assize.references(role.id)["spec.appliesTo"]
	}
	logged := {thing.id |
		some account in assize.referrers(person).Account
		account.field == "spec.person"
		account.document.spec.status == "enabled"
		account.document.spec.privileged == true
		some thing in assize.references(account.id)["spec.system"]
	}
}

# What a grant reaches: its target, or else what its role applies to.
reached(grant, _) := {thing.id | some thing in targets} if {
	targets := assize.references(grant)["spec.target"]
}

reached(grant, role) := {thing.id | some thing in assize.references(role)["spec.appliesTo"]} if {
	not assize.references(grant)["spec.target"]
}
