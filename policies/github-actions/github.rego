# What workflows of GitHub hold: events, steps and the expressions in their texts.
package assize.github

# The names of the events that start the workflow.
events := {input.on} if is_string(input.on)

events := {event | some event in input.on} if is_array(input.on)

events := {event | some event, _ in input.on} if is_object(input.on)

# The steps, each with its job and the way to it.
steps contains {"path": ["jobs", name, "steps", position], "job": job, "value": step} if {
	some name, job in input.jobs
	some position, step in job.steps
}

# Texts that are run as programs: scripts of a shell, and those of the action for scripts in JavaScript.
scripts contains {"path": array.concat(step.path, ["run"]), "text": text} if {
	some step in steps
	text := step.value.run
}

scripts contains {"path": array.concat(step.path, ["with", "script"]), "text": text} if {
	some step in steps
	startswith(step.value.uses, "actions/github-script@")
	text := step.value["with"].script
}

expressions(text) := regex.find_n(`(?s)\$\{\{.*?\}\}`, text, 1000)

# What a stranger can write: titles, bodies, names of branches. Numbers, hashes and states are not theirs to choose.
untrusted(text) := {place |
	some expression in expressions(text)
	some place in regex.find_n(`github\.(event\.[A-Za-z0-9_.*\[\]'"-]+|head_ref)|toJSON\(\s*github(\.event)?[^)]*\)`, expression, 1000)
	not regex.match(`(^|\.)(number|id|node_id|sha|action|state|draft|merged|private|fork|locked|[a-z]+_at|[a-z]+_url|url|login|type|size|before|after|ref|ref_type|full_name|visibility|conclusion|status|event|schedule|run_id|run_number|run_attempt|additions|deletions|changed_files|commits|comments|prerelease|tag_name|default_branch|clone_url|name_with_owner|html_url|association|author_association)$`, place)
	not regex.match(`^github\.event\.(pull_request|issue|comment|review|discussion|release|workflow_run|check_run|check_suite|label|milestone|head_commit)$|^github\.event\.(inputs|client_payload|deployment|repository|organization|enterprise|installation|sender|schedule)(\.|$)`, place)
} | {place |
	some expression in expressions(text)
	some place in regex.find_n(`github\.event\.(pull_request\.head|workflow_run)\.(ref|label|head_branch|head_commit\.[a-z_.]+|display_title)|github\.event\.pull_request\.head\.repo\.default_branch`, expression, 1000)
}

# Events by which strangers start a workflow that has secrets and a token that writes.
privileged_events := {"pull_request_target", "workflow_run", "issue_comment"}

# Events that anybody can cause in a public repository.
public_events := {"pull_request", "pull_request_target", "pull_request_review", "pull_request_review_comment", "issue_comment", "issues", "discussion", "discussion_comment", "fork", "watch"}
