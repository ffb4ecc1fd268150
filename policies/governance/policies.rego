# The policies that are in force.
package assize.policies

# Their topics.
topics contains document.spec.topic if {
	some document in data.estate.Document
	document.spec.type == "policy"
	document.spec.status == "approved"
	not document.spec.lifecycle == "retired"
}
