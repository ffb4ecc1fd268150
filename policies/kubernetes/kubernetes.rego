# What Kubernetes manifests hold, wherever the kind keeps it: pods, containers, labels, namespaces.
package assize.kubernetes

# The pods that a document describes, with the way to the specification of each.
pods contains {"path": ["spec"], "spec": input.spec, "metadata": input.metadata} if input.kind == "Pod"

pods contains {"path": ["spec", "template", "spec"], "spec": template.spec, "metadata": metadata(template)} if {
	template := input.spec.template
}

pods contains {"path": path, "spec": template.spec, "metadata": metadata(template)} if {
	template := input.spec.jobTemplate.spec.template
	path := ["spec", "jobTemplate", "spec", "template", "spec"]
}

metadata(thing) := object.get(thing, "metadata", {})

# Their containers. Those that an API leaves null are none.
containers contains container if {
	some pod in pods
	some list in ["containers", "initContainers", "ephemeralContainers"]
	values := pod.spec[list]
	values != null
	some position, value in values
	container := {"path": array.concat(pod.path, [list, position]), "list": list, "value": value, "pod": pod}
}

# A way as a person would write it.
place(path) := trim_prefix(concat("", [text | some step in path; text := written(step)]), ".")

written(step) := sprintf("[%d]", [step]) if is_number(step)

written(step) := sprintf(".%s", [step]) if is_string(step)

# The namespace that a document states. Without one it may end up anywhere: `kubectl -n` and Kustomize decide.
namespace(document) := document.metadata.namespace

# The identity of a document of this kind and name in the namespace of the one that is judged.
beside(kind, name) := sprintf("%s/%s", [kind, name]) if object.get(input.metadata, "namespace", "default") == "default"

beside(kind, name) := sprintf("%s/%s/%s", [kind, input.metadata.namespace, name]) if {
	input.metadata.namespace != "default"
}

# Whether a document is for the namespace of the one that is judged, as far as they say: the same, or neither says.
is_beside(document) if namespace(document) == input.metadata.namespace

is_beside(document) if {
	not document.metadata.namespace
	not input.metadata.namespace
}

labels(thing) := object.get(metadata(thing), "labels", {})

# Whether a label selector picks labels. An empty one picks all.
selects(selector, labels) if {
	every key, value in object.get(selector, "matchLabels", {}) { labels[key] == value }
	every expression in object.get(selector, "matchExpressions", []) { agrees(expression, labels) }
}

agrees(expression, labels) if {
	expression.operator == "In"
	labels[expression.key] in expression.values
}

agrees(expression, labels) if {
	expression.operator == "NotIn"
	not object.get(labels, expression.key, null) in expression.values
}

agrees(expression, labels) if {
	expression.operator == "Exists"
	object.get(labels, expression.key, null) != null
}

agrees(expression, labels) if {
	expression.operator == "DoesNotExist"
	object.get(labels, expression.key, null) == null
}
