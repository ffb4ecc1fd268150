# How entities of a Backstage catalogue name each other: `[kind:][namespace/]name`, in any case.
package assize.backstage

# The entity that a text names, with what stands for the parts that it leaves out.
named(text, kind) := {"kind": parts.kind, "namespace": parts.namespace, "name": parts.name} if {
	found := regex.find_all_string_submatch_n(`^(?:([a-z]+):)?(?:([a-z0-9._-]+)/)?([a-z0-9._-]+)$`, lower(text), 1)
	parts := {
		"kind": given(found[0][1], kind),
		"namespace": given(found[0][2], own_namespace),
		"name": found[0][3],
	}
}

given(text, otherwise) := otherwise if text == ""

given(text, _) := text if text != ""

own_namespace := lower(object.get(input.metadata, "namespace", "default"))

# Entities of a kind, by its name in references.
entities("component") := data.estate["backstage.io/Component"]

entities("api") := data.estate["backstage.io/API"]

entities("system") := data.estate["backstage.io/System"]

entities("domain") := data.estate["backstage.io/Domain"]

entities("resource") := data.estate["backstage.io/Resource"]

entities("group") := data.estate["backstage.io/Group"]

entities("user") := data.estate["backstage.io/User"]

# Those that a reference names: one, or none. Most names are written as they are, which spares the search.
found(reference) := [entity] if {
	entity := entities(reference.kind)[identity(reference)]
} else := [entity |
	some entity in entities(reference.kind)
	lower(entity.metadata.name) == reference.name
	lower(object.get(entity.metadata, "namespace", "default")) == reference.namespace
]

identity(reference) := sprintf("%s/%s", [kinds[reference.kind], reference.name]) if reference.namespace == "default"

identity(reference) := sprintf("%s/%s/%s", [kinds[reference.kind], reference.namespace, reference.name]) if {
	reference.namespace != "default"
}

kinds := {"component": "backstage.io/Component", "api": "backstage.io/API", "system": "backstage.io/System", "domain": "backstage.io/Domain", "resource": "backstage.io/Resource", "group": "backstage.io/Group", "user": "backstage.io/User"}
