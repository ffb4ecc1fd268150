//! What was assessed: the catalogue, the system security plan and the assessment plan.

use serde_json::{Map, Value, json};

use super::{Documents, identifier, line, markup, property, token};
use crate::outcome::FrameworkOutcome;

impl Documents<'_> {
    /// The requirements of the frameworks, each with the objective that findings name. Their titles are our own words.
    pub(super) fn catalog(&self) -> Value {
        let groups: Vec<Value> = self
            .audit
            .outcomes
            .frameworks
            .iter()
            .enumerate()
            .map(|(at, framework)| {
                let mut group = json!({
                    "id": token(&framework.id),
                    "title": markup(&framework.title),
                    "props": [property("version", &framework.version), property("authority", &framework.authority)],
                });
                let controls = self.controls_below(at, framework, None);
                if let Some(map) = group.as_object_mut().filter(|_| !controls.is_empty()) {
                    map.insert("controls".to_owned(), Value::Array(controls));
                }
                group
            })
            .collect();
        let mut catalog = Map::new();
        catalog
            .insert("metadata".to_owned(), self.metadata("Requirements of the report, in words of its own"));
        if !groups.is_empty() {
            catalog.insert("groups".to_owned(), Value::Array(groups));
        }
        Value::Object(catalog)
    }

    fn controls_below(&self, at: usize, framework: &FrameworkOutcome, parent: Option<usize>) -> Vec<Value> {
        let entries = framework.requirements.iter().enumerate();
        let of_parent = entries.filter(|(_, each)| each.parent == parent);
        of_parent
            .filter_map(|(place, each)| {
                let id = self.controls.get(&(at, place))?;
                let mut control = json!({
                    "id": id,
                    "title": markup(&each.title),
                    "props": [{"name": "label", "value": line(&each.id)}],
                    "parts": [{"id": format!("{id}_obj"), "name": "assessment-objective", "prose": markup(&each.title)}],
                });
                let below = self.controls_below(at, framework, Some(place));
                if let Some(map) = control.as_object_mut().filter(|_| !below.is_empty()) {
                    map.insert("controls".to_owned(), Value::Array(below));
                }
                Some(control)
            })
            .collect()
    }

    /// The least that the other documents must import: the system is what the repository declares.
    pub(super) fn system_security_plan(&self) -> Value {
        let requirements: Vec<Value> = self
            .requirements()
            .filter(|(_, each, _)| each.own.is_some())
            .map(|(_, each, control)| {
                let mut requirement =
                    json!({"uuid": identifier(&["implemented requirement", control]), "control-id": control});
                let operators =
                    each.controls.iter().filter_map(|at| self.audit.outcomes.controls.get(*at)).flat_map(
                        |outcome| {
                            let name = outcome.control.identity.to_string();
                            let operators = outcome.control.operators.join(", ");
                            [property("control", name), property("operator", operators)]
                        },
                    );
                let props: Vec<Value> = operators.collect();
                if let Some(map) = requirement.as_object_mut().filter(|_| !props.is_empty()) {
                    map.insert("props".to_owned(), Value::Array(props));
                }
                requirement
            })
            .collect();
        json!({
            "metadata": self.metadata("The declared estate, as far as an assessment needs it"),
            "import-profile": {"href": "catalog.json"},
            "system-characteristics": {
                "system-ids": [{"id": Self::system()}],
                "system-name": "The declared estate",
                "description": "Everything that the repository declares. What runs was not looked at.",
                "system-information": {"information-types": [{
                    "uuid": identifier(&["information type"]),
                    "title": "Not described here",
                    "description": "The data sets and stores of the estate describe what they hold.",
                }]},
                "status": {"state": "other", "remarks": "Not known from what is declared."},
                "authorization-boundary": {"description": "The resources of the commit or work tree that the metadata name."},
            },
            "system-implementation": {"components": [{
                "uuid": Self::system(),
                "type": "this-system",
                "title": "The declared estate",
                "description": "The resources that the repository declares.",
                "status": {"state": "other", "remarks": "Not known from what is declared."},
            }]},
            "control-implementation": {
                "description": "The requirements with an outcome of their own, and the controls that are declared for them.",
                "implemented-requirements": requirements,
            },
        })
    }

    /// What was looked at, and by what.
    pub(super) fn assessment_plan(&self) -> Value {
        let mut task = json!({
            "uuid": identifier(&["task"]),
            "type": "action",
            "title": "Evaluate every rule on every declared resource that it applies to",
        });
        if let (Some(map), Some(period)) = (task.as_object_mut(), &self.audit.period) {
            let (start, end) = (format!("{}T00:00:00Z", period.from), format!("{}T23:59:59Z", period.to));
            map.insert("timing".to_owned(), json!({"within-date-range": {"start": start, "end": end}}));
            map.insert(
                "description".to_owned(),
                json!("Each commit of the branch as of its day, and each day between."),
            );
        }
        json!({
            "metadata": self.metadata("What was assessed"),
            "import-ssp": {"href": "system-security-plan.json"},
            "reviewed-controls": self.reviewed_controls(),
            "assessment-subjects": [{
                "type": "component",
                "description": "All declared resources that a rule applies to.",
                "include-subjects": [{"subject-uuid": Self::system(), "type": "component"}],
            }],
            "assessment-assets": {
                "components": [{
                    "uuid": Self::component(),
                    "type": "software",
                    "title": "assize",
                    "description": "Holds what a repository declares against rules.",
                    "props": [{"name": "version", "value": line(self.audit.report.run.version)}],
                    "status": {"state": "operational"},
                }],
                "assessment-platforms": [{
                    "uuid": identifier(&["platform"]),
                    "title": "assize",
                    "uses-components": [{"component-uuid": Self::component()}],
                }],
            },
            "tasks": [task],
        })
    }
}
